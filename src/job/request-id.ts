import { hash, timingSafeEqual } from 'node:crypto'

// 96 bits of the digest: impossible to guess, and short enough for a topic.
const tagLength = 16

/**
 * A keyed hash. It uses the truncated member of the SHA-2 family: with the others, the digest of a text is enough to
 * compute that of a longer text. So no HMAC is needed, which costs almost four times as much (2.9 instead of 0.8 µs per
 * call).
 */
const tagOf = (text: string): string => hash('sha512-256', text, 'base64url').slice(0, tagLength)

/** A device job and an attempt at it. Neither id contains a line break, so no two have the same text. */
const textOf = (key: string, jobId: string, deviceId: string, attempt: number): string =>
  attempt === 1 ? `${key}\n${jobId}\n${deviceId}` : `${key}\n${jobId}\n${deviceId}\n${attempt}`

/**
 * The request id of the only call of an attempt at a device job. It derives from these, so that a late answer identifies its
 * device job even in a process that did not send the call; and from a key, so that a device cannot forge one.
 */
export function makeRequestId(key: string, jobId: string, deviceId: string, attempt = 1): string {
  const tag = tagOf(textOf(key, jobId, deviceId, attempt))
  return attempt === 1 ? `${jobId}.${tag}` : `${jobId}.${attempt}.${tag}`
}

/** The job and the attempt of a request id that was given to this device; undefined for any other id. */
export function callOfRequestId(
  key: string,
  requestId: string,
  deviceId: string,
): { readonly jobId: string; readonly attempt: number } | undefined {
  // A job id contains no dot, and neither does the request id of an interactive call.
  const [jobId = '', ...rest] = requestId.split('.')
  const tag = rest.pop()
  const attempt = Number(rest[0] ?? 1)
  if (tag === undefined || rest.length > 1 || !Number.isInteger(attempt)) return undefined
  const given = Buffer.from(requestId)
  const expected = Buffer.from(makeRequestId(key, jobId, deviceId, attempt))
  return given.length === expected.length && timingSafeEqual(given, expected) ? { jobId, attempt } : undefined
}
