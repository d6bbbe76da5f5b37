import { LimitExceededError } from '../errors.ts'
import type { Limits } from './limits.ts'

/** The room for requests under way. A request that waits, for a device or for a change, keeps its room as long. */
export type RequestRoom = {
  /**
   * Takes room for the bytes of a request until the returned function is called, which may be called again.
   * LimitExceededError. `caller` identifies the authenticated client: a policy at an address.
   */
  take(caller: string, bytes: number): () => void
}

/** The number of callers that may use their full share at the same time. */
const callers = 4
/** Bytes up to which a request needs room among those of its caller only: what others hold cannot keep it out. */
const small = 16 * 1024

export function createRequestRoom({ requestBytes }: Pick<Limits, 'requestBytes'>): RequestRoom {
  const taken = new Map<string, number>()
  let total = 0
  const change = (caller: string, bytes: number): void => {
    total += bytes
    const left = (taken.get(caller) ?? 0) + bytes
    if (left > 0) taken.set(caller, left)
    else taken.delete(caller)
  }
  return {
    take(caller, bytes) {
      const isFull = bytes > small && total + bytes > callers * requestBytes
      if (isFull || (taken.get(caller) ?? 0) + bytes > requestBytes) {
        throw new LimitExceededError('The requests in progress hold too many bytes. Wait for their responses.', 1)
      }
      change(caller, bytes)
      let held = bytes
      return () => {
        change(caller, -held)
        held = 0
      }
    },
  }
}

/**
 * The bytes of a body that is about to be read, at most `most`: a body without an announced length counts as `most`.
 */
export function announcedBytes({ headers }: Pick<Request, 'headers'>, most: number): number {
  const length = headers.get('content-length')
  return length === null ? most : Math.min(Number(length), most)
}
