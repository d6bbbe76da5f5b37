import { createHmac, timingSafeEqual } from 'node:crypto'

// 96 bits of the digest: not to be guessed, and short enough for a topic.
const TAG_LENGTH = 16

const tagOf = (key: Uint8Array, jobId: string, deviceId: string): string =>
  createHmac('sha256', key).update(`${jobId}\n${deviceId}`).digest('base64url').slice(0, TAG_LENGTH)

/**
 * The request id of the one call of a device in a job. It derives from both, so that a late answer names its device job
 * also to a process that did not send the call; and from a key, so that a device cannot make one up.
 */
export const makeRequestId = (key: Uint8Array, jobId: string, deviceId: string): string =>
  `${jobId}.${tagOf(key, jobId, deviceId)}`

/** The job that a request id names, when it is one that this device was given; else undefined. */
export function jobOfRequestId(key: Uint8Array, requestId: string, deviceId: string): string | undefined {
  // A job id holds no dot, and neither does an interactive call's request id.
  const dot = requestId.indexOf('.')
  if (dot < 0) return undefined
  const jobId = requestId.slice(0, dot)
  const given = Buffer.from(requestId.slice(dot + 1))
  const expected = Buffer.from(tagOf(key, jobId, deviceId))
  return given.length === expected.length && timingSafeEqual(given, expected) ? jobId : undefined
}
