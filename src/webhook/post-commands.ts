import { lookup } from 'node:dns'
import { type IncomingMessage, request as plainRequest, type RequestOptions } from 'node:http'
import { request as tlsRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import type { Clock } from '../clock.ts'
import { utf8Text } from '../utf8.ts'
import type { AttemptResult } from './delivery-store.ts'
import type { DeliveryFailure } from './event.ts'
import { addressIn, isPublicAddress } from './public-address.ts'

/** Characters of an answer that are kept, to find out why a receiver refuses messages. */
const keptText = 200
/** Bytes of an answer that are read: a character takes at most four. */
const readBytes = 4 * keptText

class PrivateAddressError extends Error {
  override readonly name = 'PrivateAddressError'
}

/**
 * Resolves the name of the receiver. Every address that the connection may use is checked here, so a name that leads
 * elsewhere after a check gains nothing.
 */
const lookupPublic: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    const [first] = addresses ?? []
    if (error !== null || first === undefined) return callback(error ?? new Error('The name has no address.'), '')
    if (!addresses.every(({ address }) => isPublicAddress(address))) {
      return callback(new PrivateAddressError('The name leads to an address that is not public.'), '')
    }
    if (options.all) callback(null, addresses)
    else callback(null, first.address, first.family)
  })
}

/** A message to a receiver. `timeout` is in milliseconds and includes everything. */
export type Post = {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly timeout: number
  /** Whether addresses that are not public are allowed, and http. */
  readonly allowPrivate: boolean
}

/**
 * Sends a message on a connection of its own and reads the beginning of the answer. Redirects are not followed.
 * Undefined when `signal` aborted before there was an answer: the receiver may have got the message or not. Never
 * rejects.
 */
export async function post(
  clock: Clock,
  { url: text, headers, body, timeout, allowPrivate }: Post,
  signal: AbortSignal,
): Promise<AttemptResult | undefined> {
  const url = new URL(text)
  const literal = addressIn(url.hostname)
  const isAllowed = url.protocol === 'https:' && (literal === undefined || isPublicAddress(literal))
  if (!allowPrivate && !isAllowed) return failed('address')

  const late = new AbortController()
  const over = new AbortController()
  void clock.sleep(timeout, over.signal).then(() => {
    if (!over.signal.aborted) late.abort()
  })
  const ended = AbortSignal.any([late.signal, signal])
  try {
    const options = {
      method: 'POST',
      headers,
      agent: false,
      signal: ended,
      ...(!allowPrivate && { lookup: lookupPublic }),
    }
    const response = await send(url, options, body)
    return judge(response.statusCode ?? 0, await beginningOf(response))
  } catch (error) {
    if (late.signal.aborted) return failed('timeout')
    return signal.aborted ? undefined : failed(failureIn(error))
  } finally {
    over.abort()
  }
}

const failed = (error: DeliveryFailure): AttemptResult => ({ error, responseStatus: null, responseText: null })

function send(url: URL, options: RequestOptions, body: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = url.protocol === 'https:' ? tlsRequest(url, options) : plainRequest(url, options)
    // An answer that breaks off later is an error of the answer, too.
    request.on('error', reject).on('response', resolve).end(body)
  })
}

/** The beginning of an answer, as far as it comes. The connection is closed then. */
async function beginningOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  try {
    for await (const part of response) {
      if (!Buffer.isBuffer(part)) break
      parts.push(part)
      bytes += part.length
      if (bytes >= readBytes) break
    }
  } catch {
    // The status has come, and it decides.
  }
  response.destroy()
  return [...textOf(Buffer.concat(parts).subarray(0, readBytes)).replaceAll('\0', '')].slice(0, keptText).join('')
}

/** The text of bytes whose last character may be cut off. Empty for what is not text. */
function textOf(bytes: Buffer): string {
  for (let cut = 0; cut < 4; cut++) {
    const text = utf8Text(bytes.subarray(0, bytes.length - cut))
    if (text !== undefined) return text
  }
  return ''
}

function judge(status: number, text: string): AttemptResult {
  return { error: failureBy(status), responseStatus: status, responseText: text === '' ? null : text }
}

function failureBy(status: number): DeliveryFailure | null {
  if (status >= 200 && status < 300) return null
  if (status >= 300 && status < 400) return 'redirect'
  return status === 410 ? 'gone' : 'status'
}

function failureIn(error: unknown): DeliveryFailure {
  if (error instanceof PrivateAddressError) return 'address'
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return /CERT|TLS|SSL|EPROTO|UNABLE_TO_/.test(code) ? 'tls' : 'unreachable'
}
