import { GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { bodyText } from '../../utf8.ts'

/** What is sent badly over HTTP is refused as that, with a sentence that says what to send. */
export const httpForm: Plugin = {
  onRequestParse({ request, setRequestParser }) {
    // Another type than JSON never comes this far.
    setRequestParser(request.method === 'POST' ? parseBody : parseQuery)
  },
  onParams({ params }) {
    if (params.query !== undefined || params.extensions?.persistedQuery === undefined) return
    // The words and the status by which Apollo's clients know to send the whole query.
    throw new GraphQLError('PersistedQueryNotSupported', {
      extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED', http: { status: 200 } },
    })
  },
  onResultProcess({ result, resultProcessor, setResultProcessor }) {
    if (resultProcessor !== undefined) return
    const isSubscription = Symbol.asyncIterator in result
    if (isSubscription) void result[Symbol.asyncIterator]().return?.()
    const message = isSubscription
      ? 'A subscription over HTTP is answered with an event stream: send "Accept: text/event-stream", or subscribe by WebSocket.'
      : 'The answer is JSON: send "Accept: application/graphql-response+json" or "Accept: application/json".'
    const errors = [{ message, extensions: { code: 'NOT_ACCEPTABLE' } }]
    setResultProcessor((_result, { Response }) => Response.json({ errors }, { status: 406 }), 'application/json')
  },
}

type Params = Record<string, unknown>

async function parseBody(request: Request): Promise<Params> {
  const text = bodyText(new Uint8Array(await request.arrayBuffer()))
  if (text === undefined) throw badRequest('The body is not UTF-8.')
  const body = parseJson(text, 'POST body sent invalid JSON.')
  if (isParams(body)) return body
  throw badRequest(`POST body is expected to be object but received ${body === null ? 'null' : typeof body}`)
}

function parseQuery({ url }: Request): Params {
  const text = url.includes('?') ? url.slice(url.indexOf('?') + 1) : ''
  try {
    decodeURIComponent(text)
  } catch {
    throw badRequest('The query string is not well encoded.')
  }
  const given = new URLSearchParams(text)
  const json = (name: string): unknown => {
    const value = given.get(name)
    return value ? parseJson(value, `The parameter "${name}" is not JSON.`) : undefined
  }
  return {
    operationName: given.get('operationName') || undefined,
    query: given.get('query') || undefined,
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

/** Lists are for batches, which are refused as such. */
const isParams = (value: unknown): value is Params => typeof value === 'object' && value !== null

function badRequest(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST', http: { status: 400 } } })
}
