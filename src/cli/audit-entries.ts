import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { authorizationNow, type HubClientOptions } from './hub-client.ts'
import { HubRefusedError, HubUnreachableError } from './hub-errors.ts'
import { createHubHttp } from './hub-http.ts'
import type { Row } from './output/rows.ts'
import { textLines } from './text-lines.ts'

/** Which entries to read: all that match what is given. */
export type AuditFilter = {
  /** Times in ISO 8601; `to` is exclusive. */
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly actor?: string | undefined
  /** The ID of a device, a job or whatever else an operation is about. */
  readonly target?: string | undefined
  readonly operation?: readonly string[] | undefined
  readonly outcome?: readonly string[] | undefined
}

/**
 * The entries of the audit, the newest first, as they are taken. `url` is any address of the hub. Throws
 * HubUnreachableError or HubRefusedError, also when the transfer ends early: the entries are then not complete.
 */
export async function* auditEntries(
  { url, authorization, ca }: HubClientOptions,
  filter: AuditFilter,
  signal: AbortSignal,
): AsyncGenerator<Row> {
  const hub = createHubHttp(url, ca)
  try {
    const value = authorizationNow(authorization)
    const headers = value === undefined ? {} : { authorization: value }
    const response = await hub.open(addressOf(url, filter), { headers, signal })
    if (response.statusCode !== 200) throw refusalOf(await text(response), url)
    for await (const line of linesOf(response)) yield JSON.parse(line)
  } finally {
    hub.close()
  }
}

function addressOf(url: string, filter: AuditFilter): URL {
  const address = new URL('/audit', url)
  for (const [name, value] of Object.entries(filter)) {
    for (const each of [value ?? []].flat()) address.searchParams.append(name, each)
  }
  return address
}

async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  try {
    yield* textLines(response.setEncoding('utf8'))
  } catch (error) {
    throw new HubUnreachableError('The export ended early and is not complete.', { cause: error })
  }
}

function refusalOf(body: string, url: string): Error {
  try {
    const [{ message, extensions }] = JSON.parse(body).errors
    return new HubRefusedError(String(extensions.code), String(message))
  } catch {
    return new HubUnreachableError(`The server at ${url} is not a hub that has an audit.`)
  }
}
