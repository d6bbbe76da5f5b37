import { type DocumentNode, GraphQLError, type GraphQLSchema, parse, Source, specifiedRules, validate } from 'graphql'
import type { Limits } from '../../limits/limits.ts'
import { longRequestBytes } from '../../limits/long-turns.ts'
import { shapeErrors } from '../complexity.ts'
import { maxTokens, parseDocument, refuseLongDocument, refuseManyLines } from '../limits.ts'
import { blankComments } from './blank-comments.ts'
import { createDocumentCache } from './document-cache.ts'
import { type Execute, executePlan } from './execute.ts'
import { type DocumentPlan, planDocument } from './plan.ts'

/**
 * The documents of operations, for every transport. A document that is used again is not parsed, validated or planned
 * again, as long as there is room for it.
 */
export type Documents = {
  /** GraphQLError with a code and an HTTP status. */
  parse(text: string): DocumentNode
  /** The reasons why the document is not valid, with a code and an HTTP status. */
  validate(document: DocumentNode): readonly GraphQLError[]
  /**
   * The same for a long request: each call of `take` waits for a turn of the event loop, and a long document takes
   * several. Undefined when `take` is given up.
   */
  validateInTurns(document: DocumentNode, take: TakeTurn): Promise<readonly GraphQLError[] | undefined>
  /** Executes an operation of a document, which must be valid. */
  readonly execute: Execute
}

/** Does the work when its turn comes. Undefined when it is given up before. */
type TakeTurn = <T>(work: () => T) => Promise<T | undefined>

/** A document, with what is known about it. */
type Entry = {
  readonly document: DocumentNode
  readonly plan: DocumentPlan
  errors: readonly GraphQLError[] | undefined
}

/** Reasons why a document is not valid. To locate each of them, graphql reads the text up to it, and it looks for similar names. */
const maxReasons = 5

/**
 * The rules that one turn applies to a long document. Each rule costs little in addition to the walk through the
 * document, so more turns would mostly repeat that walk.
 */
const rulesPerTurn = 7
const ruleGroups = Array.from({ length: Math.ceil(specifiedRules.length / rulesPerTurn) }, (_, index) =>
  specifiedRules.slice(index * rulesPerTurn, (index + 1) * rulesPerTurn),
)

/**
 * Weight of one planned field in the cache, in characters of text. A field takes 400 to 1,100 bytes, a character up to
 * 170.
 */
const fieldWeight = 6

/** Longer documents are refused, and so are longer results. Default: neither is. */
export function createDocuments(
  schema: GraphQLSchema,
  {
    documentBytes = Number.POSITIVE_INFINITY,
    answerBytes,
  }: Partial<Pick<Limits, 'documentBytes' | 'answerBytes'>> = {},
): Documents {
  const cache = createDocumentCache<Entry>()
  const entries = new WeakMap<DocumentNode, Entry>()

  const entryOf = (document: DocumentNode, text?: string): Entry => {
    const known = entries.get(document)
    if (known !== undefined) return known
    const entry: Entry = {
      document,
      plan: planDocument(schema, document, (fields) => {
        if (text !== undefined) cache.grow(text, entry, fields * fieldWeight)
      }),
      errors: undefined,
    }
    entries.set(document, entry)
    return entry
  }
  /** The shape first: fields of the same name are compared in pairs, and only the limit of aliases bounds them. */
  const reasonsAgainst = (document: DocumentNode): readonly GraphQLError[] => {
    const errors = shapeErrors(document)
    return errors.length > 0 ? errors : validate(schema, document, specifiedRules, { maxErrors: maxReasons })
  }
  const validateNow = (document: DocumentNode): readonly GraphQLError[] => {
    const entry = entryOf(document)
    entry.errors ??= reasonsAgainst(document).map((error) => asRequestError(error, 'GRAPHQL_VALIDATION_FAILED'))
    return entry.errors
  }
  return {
    parse(text) {
      const known = cache.get(text)
      if (known !== undefined) return known.document
      try {
        refuseLongDocument(text, documentBytes)
        refuseManyLines(text)
        const document = parseDocument(() => parse(new Source(blankComments(text)), { maxTokens }))
        cache.set(text, entryOf(document, text))
        return document
      } catch (error) {
        if (error instanceof GraphQLError) asRequestError(error, 'GRAPHQL_PARSE_FAILED')
        throw error
      }
    },
    validate: validateNow,
    async validateInTurns(document, take) {
      const entry = entryOf(document)
      if (entry.errors !== undefined) return entry.errors
      if ((document.loc?.end ?? 0) < longRequestBytes) return await take(() => validateNow(document))
      let isValid = await take(() => shapeErrors(document).length === 0)
      for (const rules of ruleGroups) {
        if (isValid !== true) break
        isValid = await take(() => validate(schema, document, rules, { maxErrors: 1 }).length === 0)
      }
      if (isValid === undefined) return undefined
      if (isValid) entry.errors = []
      // All rules together find the same reasons in the same order as in a short document.
      else await take(() => validateNow(document))
      return entry.errors
    },
    execute: (args) => executePlan(entryOf(args.document).plan, args, answerBytes),
  }
}

/** Adds what is missing: the code, and an HTTP status that answers of the type `application/json` do not have. */
function asRequestError(error: GraphQLError, code: string): GraphQLError {
  error.extensions.code ??= code
  error.extensions.http = { spec: true, status: 400, ...Object(error.extensions.http) }
  return error
}
