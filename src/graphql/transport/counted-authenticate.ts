import { UnauthorizedError } from '../../errors.ts'
import type { Arrivals } from '../../limits/arrivals.ts'
import type { Authenticate } from '../context.ts'

/**
 * Counts refused tokens of WebSockets for their addresses, as the HTTP server counts those of requests. Above the limit a
 * token that was not accepted before is refused late and unchecked.
 */
export function countedAuthenticate(
  authenticate: Authenticate,
  arrivals: Pick<Arrivals, 'mayTry' | 'tried' | 'pause'>,
): Authenticate {
  return async (authorization, from) => {
    const { address = '' } = from
    if (!arrivals.mayTry(address, authorization)) {
      await arrivals.pause(new AbortController().signal)
      throw new UnauthorizedError(
        'Too many tokens from this address were not valid. Retry in 1 s.',
        'too many bad tokens',
      )
    }
    try {
      const viewer = await authenticate(authorization, from)
      arrivals.tried(address, authorization, true)
      return viewer
    } catch (error) {
      if (error instanceof UnauthorizedError) arrivals.tried(address, authorization, false)
      throw error
    }
  }
}
