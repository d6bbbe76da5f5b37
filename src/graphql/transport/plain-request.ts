import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { type DocumentNode, type ExecutionResult, type GraphQLSchema, getOperationAST } from 'graphql'
import { acceptsCoding } from '../../accepted-coding.ts'
import type { Deps } from '../../deps.ts'
import type { JsonPiece } from '../../json/json-text.ts'
import { maxBodyBytes } from '../../limits/body-size.ts'
import { longRequestBytes } from '../../limits/long-turns.ts'
import { bytesInTurns, endInTurns } from '../../send-in-turns.ts'
import { bodyText } from '../../utf8.ts'
import { type Context, type ContextOf, callerOf, type ServerContext } from '../context.ts'
import { refuseDeepVariables } from '../limits.ts'
import type { Admit } from './admission.ts'
import type { Compress } from './compress.ts'
import type { Documents } from './documents.ts'
import { type HttpResult, httpResultOf, type ResultType, resultTypeFor } from './http-result.ts'
import type { Mask } from './mask-errors.ts'
import { maySelectKeys } from './may-select-keys.ts'
import type { PrintPieces } from './print-result.ts'
import { type DocumentOf, type DocumentRequest, namesDocument } from './requested-document.ts'
import type { RunOperation } from './run-operation.ts'
import { Client } from './when-gone.ts'

/** Handles a request that has passed the checks of its host and origin. */
type Handle = (request: IncomingMessage, response: ServerResponse, server: ServerContext) => Promise<void>

/** Characters of an answer that Node writes with its head as one text, without a buffer for it. */
const shortAnswer = 16 * 1024

/**
 * Handles what nearly all clients send, bypassing Yoga and its requests and responses of the web: a query or a mutation
 * as a JSON body. Everything else goes to `handleAny`, before its body is read or with it: other methods and media
 * types, subscriptions, and bodies that are not the parameters of an operation.
 */
export function createPlainRequests(
  schema: GraphQLSchema,
  { longTurns, answerRoom }: Pick<Deps, 'longTurns' | 'answerRoom'>,
  options: {
    readonly admit: Admit
    readonly documents: Documents
    readonly documentOf: DocumentOf
    readonly contextOf: ContextOf
    readonly run: RunOperation
    readonly print: PrintPieces
    readonly mask: Mask
    readonly compress: Compress
    readonly handleAny: Handle
  },
): Handle {
  const { admit, documents, documentOf, contextOf, run, print, mask, compress, handleAny } = options

  /** The parameters in a body, and their document. Undefined for a body that is not the parameters of an operation. */
  const parse = (body: Buffer): Parsed | undefined => {
    const params = paramsIn(body)
    if (params === undefined) return undefined
    refuseDeepVariables(params.variables)
    return { params, document: documentOf(params) }
  }

  /**
   * The document of a request, and the result of its operation if the request is answered here. A document is never parsed
   * or validated twice: that is the most expensive part of a request that is refused, and this is the turn for it.
   */
  const operate = (
    { params, document }: Parsed,
    context: (request: { document: DocumentNode; extensions: unknown }) => Context,
  ): Operated => {
    const { variables: variableValues, operationName, extensions } = params
    const errors = documents.validate(document)
    const kind = getOperationAST(document, operationName)?.operation
    if (kind === undefined || kind === 'subscription') return { document, result: undefined }
    if (errors.length > 0) return { document, result: { errors } }
    return {
      document,
      result: run({ schema, document, operationName, variableValues, contextValue: context({ document, extensions }) }),
    }
  }

  return async (request, response, server) => {
    const form = plainForm(request)
    if (form === undefined) return handleAny(request, response, server)
    const { type } = form
    const send = async (
      { status, headers, body }: HttpResult<readonly JsonPiece[]>,
      acceptEncoding?: string | string[],
    ): Promise<void> => {
      const [text, more] = body
      const isShort = typeof text === 'string' && text.length <= shortAnswer
      const isPlain = isShort && more === undefined && !acceptsCoding(acceptEncoding, 'gzip')
      const turns = () => answerRoom.turnsOf(callerIn(server))
      const bytes = isPlain ? undefined : await bytesInTurns(turns(), body)
      const packed = bytes && (await compress(bytes, acceptEncoding))
      server.beforeAnswer?.()
      if (response.destroyed) return
      const coding = packed && { 'content-encoding': 'gzip' }
      const sent = packed ?? bytes ?? text ?? ''
      response.writeHead(status, { ...headers, ...coding, 'content-length': String(Buffer.byteLength(sent)) })
      if (typeof sent === 'string') response.end(sent)
      else await endInTurns(turns(), response, sent)
    }
    try {
      await admit(server, { authorization: request.headers.authorization, bytes: form.length })
      const body = await read(request)
      if (body === undefined) return
      const client = new Client(response)
      const isLong = body.length >= longRequestBytes
      const take = <T>(work: () => T, bytes = 0) => longTurns.take(callerIn(server), work, client.signal, bytes)
      const parseBody = () => ({ parsed: parse(body) })
      const done = isLong ? await take(parseBody, body.length) : parseBody()
      if (done === undefined) return
      const { parsed } = done
      // In other turns: each of them may take milliseconds.
      if (isLong && parsed !== undefined && !(await documents.validateInTurns(parsed.document, take))) return
      const work = () => parsed && operate(parsed, (request) => contextOf(server, client, request))
      const operated = isLong && parsed !== undefined ? await take(work) : work()
      if (parsed !== undefined && operated === undefined) return
      if (operated?.result === undefined) {
        const again = Object.assign(request, { body: Readable.from([body]) })
        return handleAny(again, response, { ...server, isAdmitted: true, document: operated?.document })
      }
      const answer = httpResultOf(await operated.result, type, print)
      // The length of a compressed response can reveal a secret next to a text that an attacker chose.
      await send(answer, maySelectKeys(operated.document) ? undefined : request.headers['accept-encoding'])
    } catch (error) {
      const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error]
      await send(httpResultOf({ errors: errors.map((each) => mask(each, server.record?.id)) }, type, print))
    }
  }
}

/** The caller of an admitted request. */
const callerIn = ({ viewer, address }: ServerContext): string => (viewer === undefined ? '' : callerOf(viewer, address))

type Parsed = { readonly params: Params; readonly document: DocumentNode }

type Operated = {
  readonly document: DocumentNode
  readonly result: Promise<ExecutionResult> | ExecutionResult | undefined
}

/** The length and the accepted media type of a request that is plain by its head. */
function plainForm({ method, url, headers }: IncomingMessage): { type: ResultType; length: number } | undefined {
  if (method !== 'POST' || url !== '/graphql' || headers['content-encoding'] !== undefined) return undefined
  if (headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() !== 'application/json') return undefined
  const length = Number(headers['content-length'] ?? 0)
  if (length === 0 || length > maxBodyBytes) return undefined
  const type = resultTypeFor(headers.accept)
  return type && { type, length }
}

/** The whole body, which Node bounds by its length. Undefined when the client has disconnected. */
function read(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.once('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)))
    request.once('error', () => resolve(undefined))
    request.once('close', () => resolve(undefined))
  })
}

type Params = DocumentRequest & {
  readonly query: string
  readonly variables: Record<string, unknown> | null | undefined
  readonly operationName: string | null | undefined
}

const names: ReadonlySet<string> = new Set(['query', 'documentId', 'variables', 'operationName', 'extensions'])

function paramsIn(body: Buffer): Params | undefined {
  const text = bodyText(body)
  if (text === undefined) return undefined
  const params: unknown = parseJson(text)
  if (!isObject(params) || !Object.keys(params).every((name) => names.has(name))) return undefined
  const { query = namesDocument(params) ? '' : undefined, documentId, variables, operationName, extensions } = params
  if (typeof query !== 'string') return undefined
  if (!isAbsent(documentId) && typeof documentId !== 'string') return undefined
  if (!isAbsent(variables) && !isObject(variables)) return undefined
  if (!isAbsent(extensions) && !isObject(extensions)) return undefined
  if (!isAbsent(operationName) && typeof operationName !== 'string') return undefined
  return { query, documentId, extensions, variables, operationName }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const isAbsent = (value: unknown): value is null | undefined => value === null || value === undefined

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
