import { LimitExceededError } from '../errors.ts'
import type { Limits } from './limits.ts'

/** The room for requests under way. One that waits, for a device or for a change, holds its text as long. */
export type RequestRoom = {
  /**
   * Takes room for so many bytes of a request until the function that this answers is called, which may be called again.
   * LimitExceededError. `caller` is whoever is let in: a policy at an address.
   */
  take(caller: string, bytes: number): () => void
}

/** As many callers as can use all that one may. */
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
        throw new LimitExceededError('Requests that are under way hold too many bytes. Wait for answers to them.', 1)
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

/** The bytes of a body that is about to be read, at most `most`: what does not announce its length may have as many. */
export function announcedBytes({ headers }: Pick<Request, 'headers'>, most: number): number {
  const length = headers.get('content-length')
  return length === null ? most : Math.min(Number(length), most)
}
