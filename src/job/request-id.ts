import { hash, timingSafeEqual } from 'node:crypto'

// 96 bits of the digest: not to be guessed, and short enough for a topic.
const tagLength = 16

/**
 * A keyed hash. Of the SHA-2 family the truncated member, because with the others who knows the digest of a text can
 * compute that of a longer one; so no HMAC is needed, which costs four times as much (2.9 against 0.8 µs a call).
 */
const tagOf = (key: string, jobId: string, deviceId: string): string =>
  hash('sha512-256', `${key}\n${jobId}\n${deviceId}`, 'base64url').slice(0, tagLength)

/**
 * The request id of the one call of a device in a job. It derives from both, so that a late answer names its device job
 * also to a process that did not send the call; and from a key, so that a device cannot make one up.
 */
export const makeRequestId = (key: string, jobId: string, deviceId: string): string =>
  `${jobId}.${tagOf(key, jobId, deviceId)}`

/** The job that a request id names, when it is one that this device was given; else undefined. */
export function jobOfRequestId(key: string, requestId: string, deviceId: string): string | undefined {
  // A job id holds no dot, and neither does an interactive call's request id.
  const dot = requestId.indexOf('.')
  if (dot < 0) return undefined
  const jobId = requestId.slice(0, dot)
  const given = Buffer.from(requestId.slice(dot + 1))
  const expected = Buffer.from(tagOf(key, jobId, deviceId))
  return given.length === expected.length && timingSafeEqual(given, expected) ? jobId : undefined
}
