import { once } from 'node:events'
import * as http from 'node:http'
import * as https from 'node:https'
import type { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { type HubClientOptions, HubRefusedError, HubUnreachableError } from './hub-client.ts'

/** Which entries to export: all that match what is given. */
export type AuditFilter = {
  /** Times in ISO 8601; `to` is exclusive. */
  readonly from: string | undefined
  readonly to: string | undefined
  readonly actor: string | undefined
  readonly operations: readonly string[]
}

/**
 * Writes the audit of a hub as lines of JSON, the newest entry first, as fast as `out` takes them. `url` is any address
 * of the hub. Rejects with HubUnreachableError or HubRefusedError, also when the transfer ends early: what was written
 * is then not complete. Rejects with the reason of `signal`.
 */
export async function exportAudit(
  { url, authorization, ca }: HubClientOptions,
  filter: AuditFilter,
  out: Writable,
  signal: AbortSignal,
): Promise<void> {
  const address = addressOf(url, filter)
  const headers = authorization === undefined ? {} : { authorization }
  const request = (address.protocol === 'https:' ? https : http).get(address, { headers, signal, ...(ca && { ca }) })
  let response: http.IncomingMessage | undefined
  try {
    response = await responseTo(request)
    if (response.statusCode !== 200) throw refusalOf(await text(response), url)
    await pipeline(response, out, { signal, end: false })
  } catch (error) {
    if (signal.aborted) throw signal.reason
    if (error instanceof HubRefusedError || error instanceof HubUnreachableError) throw error
    const message =
      response === undefined ? `No hub responds at ${url}.` : 'The export ended early and is not complete.'
    throw new HubUnreachableError(message, { cause: error })
  }
}

async function responseTo(request: http.ClientRequest): Promise<http.IncomingMessage> {
  const [response] = await once(request, 'response')
  return response
}

function addressOf(url: string, { from, to, actor, operations }: AuditFilter): URL {
  const address = new URL('/audit', url)
  for (const [name, value] of Object.entries({ from, to, actor })) {
    if (value !== undefined) address.searchParams.set(name, value)
  }
  for (const operation of operations) address.searchParams.append('operation', operation)
  return address
}

function refusalOf(body: string, url: string): Error {
  try {
    const [{ message, extensions }] = JSON.parse(body).errors
    return new HubRefusedError(String(extensions.code), String(message))
  } catch {
    return new HubUnreachableError(`The server at ${url} is not a hub that has an audit.`)
  }
}
