import { readFileSync } from 'node:fs'
import { type ASTNode, type DocumentNode, GraphQLError, type GraphQLSchema, print, visit } from 'graphql'
import type { Clock } from '../../clock.ts'
import type { Log } from '../../log/log.ts'
import type { Metrics } from '../../metrics/metrics.ts'
import { type WatchedFile, watchFile } from '../../watched-file.ts'
import { maxComplexity, shapeErrors } from '../complexity.ts'
import { mostComplexity } from '../cost.ts'
import { createDocuments, type Documents } from './documents.ts'

/** A document that the hub knows before a client sends it. */
export type TrustedDocument = {
  readonly text: string
  readonly document: DocumentNode
  readonly meaning: string | undefined
}

/** The documents that clients may run by id. */
export type TrustedDocuments = {
  /** Whether other documents are refused. */
  readonly only: boolean
  /** The document with this id, which may begin with `sha256:`. */
  find(id: string): TrustedDocument | undefined
  /** Whether one of them asks for the same as this document (`meaningOf`). */
  isTrusted(document: DocumentNode): boolean
  /** Whether it is one of them and cannot exceed the limit of complexity, so that its requests need not be weighed. */
  isWithinComplexity(document: DocumentNode): boolean
  /** Reads the files now, changed or not. Never rejects. */
  reload(): Promise<void>
  close(): void
}

type Table = {
  readonly byId: ReadonlyMap<string, TrustedDocument>
  readonly meanings: ReadonlySet<string | undefined>
  readonly withinComplexity: ReadonlySet<DocumentNode>
}

/**
 * Reads the trusted documents of `files`, and of the hub's `own` programs, and watches the former. Each document is
 * parsed and validated once. An Error lists everything that is wrong with the files. When a file becomes wrong later,
 * the log says why, and the documents stay what they were.
 */
export function createTrustedDocuments(
  { clock, log, metrics }: { readonly clock: Clock; readonly log: Log; readonly metrics?: Metrics | undefined },
  schema: GraphQLSchema,
  { files, own, only }: { readonly files: readonly string[]; readonly own: readonly string[]; readonly only: boolean },
): TrustedDocuments {
  const valid = (value: 0 | 1): void => metrics?.set('twincast_trusted_documents_valid', {}, value)
  const watched: WatchedFile[] = []
  const read = (): Table => readTable(schema, [...own, ...files])
  const readAgain = (): void => {
    try {
      table = read()
      valid(1)
      log.info({ documents: table.byId.size }, 'trusted documents reloaded')
    } catch (error) {
      valid(0)
      log.warn({ err: error }, 'trusted documents could not be reloaded; the current ones stay in use')
    }
  }
  for (const file of files) watched.push(watchFile({ clock, log }, file, readAgain))
  let table = readFirst(read, () => {
    for (const file of watched) file.close()
  })
  valid(1)
  /** What has been found out about documents of other texts, as long as they are cached. */
  let known = new WeakMap<DocumentNode, { readonly in: Table; readonly isTrusted: boolean }>()
  return {
    only,
    find: (id) => table.byId.get(bareId(id)),
    isTrusted(document) {
      const before = known.get(document)
      if (before?.in === table) return before.isTrusted
      const meaning = meaningOf(document)
      const isTrusted = meaning !== undefined && table.meanings.has(meaning)
      known.set(document, { in: table, isTrusted })
      return isTrusted
    },
    isWithinComplexity: (document) => table.withinComplexity.has(document),
    async reload() {
      for (const file of watched) await file.reload()
    },
    close() {
      for (const file of watched) file.close()
      known = new WeakMap()
    },
  }
}

function readFirst(read: () => Table, onFailure: () => void): Table {
  try {
    return read()
  } catch (error) {
    onFailure()
    throw error
  }
}

/** An id without the prefix by which GraphQL over HTTP marks hashes. */
export const bareId = (id: string): string => id.replace(/^sha256:/, '')

/**
 * What a document asks for: without locations, comments and `__typename` where it has no alias, and in one order where
 * the order means nothing. Clients and code generators change these. The order of mutations is that of their execution.
 * Undefined for a document whose shape exceeds the limits, for which this would take long.
 */
export function meaningOf(document: DocumentNode): string | undefined {
  if (shapeErrors(document).length > 0) return undefined
  const bare = visit(document, {
    Field: {
      enter: ({ name, alias, directives }) =>
        name.value === '__typename' && alias === undefined && (directives ?? []).length === 0 ? null : undefined,
      leave: (field) => ({ ...field, arguments: inOrder(field.arguments) }),
    },
    SelectionSet: {
      leave: (set, _key, parent) =>
        isOfMutation(parent) ? undefined : { ...set, selections: inOrder(set.selections) },
    },
    OperationDefinition: {
      leave: (operation) => ({ ...operation, variableDefinitions: inOrder(operation.variableDefinitions) }),
    },
  })
  return inOrder(bare.definitions).map(print).join('\n')
}

const inOrder = <Node extends ASTNode>(nodes: readonly Node[] = []): Node[] =>
  nodes
    .map((node) => ({ node, text: print(node) }))
    .sort((one, other) => (one.text < other.text ? -1 : 1))
    .map(({ node }) => node)

const isOfMutation = (parent: ASTNode | readonly ASTNode[] | undefined): boolean =>
  parent !== undefined &&
  'kind' in parent &&
  ((parent.kind === 'OperationDefinition' && parent.operation === 'mutation') ||
    (parent.kind === 'FragmentDefinition' && parent.typeCondition.name.value === 'Mutation'))

function readTable(schema: GraphQLSchema, files: readonly string[]): Table {
  const faults: string[] = []
  const documents = createDocuments(schema)
  const byId = new Map<string, TrustedDocument>()
  for (const file of files) {
    for (const [id, text] of entriesOf(file, faults)) {
      const trusted = documentIn(documents, text)
      if (typeof trusted === 'string') faults.push(`${file}, ${id}: ${trusted}`)
      else if (byId.has(bareId(id)) && byId.get(bareId(id))?.text !== text) {
        faults.push(`${file}, ${id}: Another file has another document with this id.`)
      } else byId.set(bareId(id), trusted)
    }
  }
  if (faults.length > 0) {
    throw new Error(`The trusted documents are not valid:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`)
  }
  const all = [...byId.values()]
  const light = all.filter(({ document }) => mostComplexity(schema, document) <= maxComplexity)
  return {
    byId,
    meanings: new Set(all.map(({ meaning }) => meaning)),
    withinComplexity: new Set(light.map(({ document }) => document)),
  }
}

/** The ids of a file with their texts. */
function entriesOf(file: string, faults: string[]): [id: string, text: string][] {
  const content = contentOf(file)
  if (content instanceof Error) {
    faults.push(`${file}: ${content.message}`)
    return []
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    faults.push(`${file}: The file must contain an object with a document for each id.`)
    return []
  }
  return Object.entries(content).flatMap(([id, text]): [string, string][] => {
    if (typeof text === 'string') return [[id, text]]
    faults.push(`${file}, ${id}: The document must be a text.`)
    return []
  })
}

/** The JSON in a file, or the reason why it has none. */
function contentOf(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    return error instanceof SyntaxError ? new Error('The file must contain JSON.') : error
  }
}

/** The document, or the reasons why it is not valid. */
function documentIn(documents: Documents, text: string): TrustedDocument | string {
  try {
    const document = documents.parse(text)
    const errors = documents.validate(document)
    return errors.length === 0 ? { text, document, meaning: meaningOf(document) } : errors.map(sentenceOf).join(' ')
  } catch (error) {
    if (error instanceof GraphQLError) return sentenceOf(error)
    throw error
  }
}

function sentenceOf({ message, locations }: GraphQLError): string {
  const [place] = locations ?? []
  return place === undefined ? message : `${message} (line ${place.line}, column ${place.column})`
}
