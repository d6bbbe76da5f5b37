import { createHash } from 'node:crypto'
import { type DocumentNode, GraphQLError } from 'graphql'
import type { Documents } from './documents.ts'
import { bareId, meaningOf, type TrustedDocuments } from './trusted-documents.ts'

/** What a request says about its document, through any transport. Its members may have any type. */
export type DocumentRequest = {
  readonly query?: unknown
  /** The id of a trusted document (GraphQL over HTTP). */
  readonly documentId?: unknown
  /** `persistedQuery.sha256Hash` is an id, too (Apollo). */
  readonly extensions?: unknown
}

/**
 * The document of a request, by its id or by its text, which is empty when the client sent none. GraphQLError with a
 * code and an HTTP status.
 */
export type DocumentOf = (request: DocumentRequest & { readonly query: string }) => DocumentNode

/** Whether the request has an id of a document. */
export const namesDocument = (request: DocumentRequest): boolean => idIn(request) !== undefined

/** Finds the documents of requests, for all transports. Without `trusted`, ids are not supported. */
export function createDocumentOf(documents: Documents, trusted: TrustedDocuments | undefined): DocumentOf {
  const byText = (text: string): DocumentNode => {
    const document = documents.parse(text)
    if (trusted === undefined || !trusted.only || trusted.isTrusted(document)) return document
    throw requestError(
      'DOCUMENT_NOT_TRUSTED',
      'The hub runs only documents that it knows (TRUSTED_DOCUMENTS_ONLY). Add this document to a file in TRUSTED_DOCUMENTS.',
    )
  }
  return (request) => {
    const { query } = request
    const id = trusted === undefined && query !== '' ? undefined : idIn(request)
    if (id === undefined) return byText(query)
    if (trusted === undefined) throw notSupported(request)
    const found = trusted.find(id)
    if (query === '') {
      if (found === undefined) throw notFound()
      return found.document
    }
    // A client of Apollo sends the text with the hash when the hub does not know the hash. The text is not kept:
    // otherwise any client could add trusted documents.
    const isSame =
      found === undefined ? hashOf(query) === bareId(id) : meaningOf(documents.parse(query)) === found.meaning
    if (!isSame) {
      const message = 'The request has the id of one document and the text of another. Send only one of them.'
      throw requestError('BAD_REQUEST', message)
    }
    return byText(query)
  }
}

/** The id in a request. An empty one counts as absent, as an empty text does. */
function idIn({ documentId, extensions }: DocumentRequest): string | undefined {
  if (typeof documentId === 'string' && documentId !== '') return documentId
  const persisted = isObject(extensions) ? extensions.persistedQuery : undefined
  const hash = isObject(persisted) ? persisted.sha256Hash : undefined
  return typeof hash === 'string' && hash !== '' ? hash : undefined
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex')

/** The beginning of the message and the code make clients of Apollo send the whole document. */
const notFound = (): GraphQLError =>
  requestError(
    'PERSISTED_QUERY_NOT_FOUND',
    'PersistedQueryNotFound: the hub has no document with this id. Send its text, or add it to a file in TRUSTED_DOCUMENTS.',
  )

/** The message and the status make clients of Apollo send whole documents from now on. */
function notSupported({ documentId }: DocumentRequest): GraphQLError {
  if (documentId === undefined) {
    return new GraphQLError('PersistedQueryNotSupported', {
      extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED', http: { status: 200 } },
    })
  }
  return requestError('BAD_REQUEST', 'The hub has no documents with ids. Send the text, or set TRUSTED_DOCUMENTS.')
}

const requestError = (code: string, message: string): GraphQLError =>
  new GraphQLError(message, { extensions: { code, http: { spec: true, status: 400 } } })
