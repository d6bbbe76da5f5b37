import { parseExactly } from '../json/exact-numbers.ts'
import { authorizationNow, type HubClientOptions } from './hub-client.ts'
import { HubRefusedError, HubUnreachableError } from './hub-errors.ts'
import { createHubHttp } from './hub-http.ts'

/** The version of IoT Hub's REST API. */
const apiVersion = '2021-04-12'
/** The most rows that a page of the hub has. */
const pageSize = 100

/**
 * The rows of a statement of the query language, read page by page as they are taken. REST, because GraphQL has conditions
 * but no statements. Throws HubUnreachableError or HubRefusedError.
 */
export async function* rowsOfStatement(
  { url, authorization, ca }: HubClientOptions,
  statement: string,
  signal: AbortSignal,
): AsyncGenerator<Readonly<Record<string, unknown>>> {
  const http = createHubHttp(url, ca)
  const address = `${url}/devices/query?api-version=${apiVersion}`
  const text = JSON.stringify({ query: statement })
  try {
    for (let continuation: string | undefined, isFirst = true; isFirst || continuation !== undefined; isFirst = false) {
      const value = authorizationNow(authorization)
      const headers = {
        'content-type': 'application/json',
        'x-ms-max-item-count': pageSize,
        ...(value !== undefined && { authorization: value }),
        ...(continuation !== undefined && { 'x-ms-continuation': continuation }),
      }
      const [response, body] = await http.read(address, { headers, body: text, signal })
      const rows = valueIn(body)
      if (response.statusCode !== 200 || !Array.isArray(rows)) throw refusalOf(response.statusCode, rows, url)
      yield* rows
      const next = response.headers['x-ms-continuation']
      continuation = typeof next === 'string' && next !== '' ? next : undefined
    }
  } finally {
    http.close()
  }
}

function valueIn(body: string): unknown {
  try {
    return parseExactly(body)
  } catch {
    return undefined
  }
}

/** The error for a body such as `{"Message":"ErrorCode:ArgumentInvalid;…"}`. */
function refusalOf(status: number | undefined, body: unknown, url: string): Error {
  if (typeof body !== 'object' || body === null || !('Message' in body)) {
    return new HubUnreachableError(`The server at ${url} is not a hub.`)
  }
  const [, code = 'UNKNOWN', message = ''] = /^ErrorCode:(\w+);([\s\S]*)$/.exec(String(body.Message)) ?? []
  return new HubRefusedError(status === 401 ? 'UNAUTHORIZED' : code, message || String(body.Message))
}
