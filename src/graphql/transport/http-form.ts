import { GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { readQueryString } from '../../query-string.ts'
import { bodyText } from '../../utf8.ts'
import type { ServerContext } from '../context.ts'
import { httpResultOf, resultTypeFor } from './http-result.ts'
import type { Params, ParseParams } from './parse-params.ts'
import type { PrintResult } from './print-result.ts'

/** Refuses malformed HTTP requests with a message that says what to send, and sends results that are JSON. */
export const httpForm = (print: PrintResult, parseParams: ParseParams): Plugin<object, ServerContext> => ({
  onRequestParse({ request, serverContext, setRequestParser }) {
    // Content types other than JSON were refused before.
    setRequestParser(async () => {
      const { bytes, parse } = request.method === 'POST' ? await readBody(request) : readQuery(request)
      const params = await parseParams(request, serverContext, bytes, parse)
      if (params === undefined) throw badRequest('The client has disconnected.')
      return params
    })
  },
  onResultProcess({ request, result, resultProcessor, setResultProcessor }) {
    const isSubscription = Symbol.asyncIterator in result
    const type = resultTypeFor(request.headers.get('accept'))
    if (type !== undefined && !isSubscription && !Array.isArray(result)) {
      const { body, ...init } = httpResultOf(result, type, print)
      setResultProcessor((_result, { Response }) => new Response(body, init), type)
      return
    }
    if (resultProcessor !== undefined) return
    if (isSubscription) void result[Symbol.asyncIterator]().return?.()
    const message = isSubscription
      ? 'The result of a subscription over HTTP is an event stream: send "Accept: text/event-stream", or use a WebSocket.'
      : 'The result is JSON: send "Accept: application/graphql-response+json" or "Accept: application/json".'
    const errors = [{ message, extensions: { code: 'NOT_ACCEPTABLE' } }]
    setResultProcessor((_result, { Response }) => Response.json({ errors }, { status: 406 }), 'application/json')
  },
})

/** What has the parameters: its bytes, and how to parse it. */
type Unparsed = { readonly bytes: number; parse(): Params }

const readQuery = (request: Request): Unparsed => ({ bytes: request.url.length, parse: () => parseQuery(request) })

async function readBody(request: Request): Promise<Unparsed> {
  const body = new Uint8Array(await request.arrayBuffer().catch(refuseIncomplete))
  return { bytes: body.length, parse: () => parseBody(body) }
}

function parseBody(bytes: Uint8Array): Params {
  const text = bodyText(bytes)
  if (text === undefined) throw badRequest('The body is not UTF-8.')
  const body = parseJson(text, 'POST body sent invalid JSON.')
  if (isParams(body)) return body
  throw badRequest(`POST body is expected to be object but received ${body === null ? 'null' : typeof body}`)
}

/** The body is too long, which has an error of its own, or the client has disconnected. */
function refuseIncomplete(error: unknown): never {
  throw error instanceof GraphQLError ? error : badRequest('The body is incomplete.')
}

function parseQuery({ url }: Request): Params {
  const given = readQueryString(url.includes('?') ? url.slice(url.indexOf('?') + 1) : '')
  if (given === undefined) throw badRequest('The query string is not valid URL encoding.')
  const json = (name: string): unknown => {
    const value = given.get(name)
    return value ? parseJson(value, `The parameter "${name}" is not JSON.`) : undefined
  }
  return {
    operationName: given.get('operationName') || undefined,
    query: given.get('query') || undefined,
    documentId: given.get('documentId') || undefined,
    variables: json('variables'),
    extensions: json('extensions'),
  }
}

function parseJson(text: string, message: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw badRequest(message)
  }
}

/** Whether a body is an object, or a list: Yoga refuses batches itself. */
const isParams = (value: unknown): value is Params => typeof value === 'object' && value !== null

function badRequest(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST', http: { status: 400 } } })
}
