import { GraphQLError } from 'graphql'
import { IssuerUnavailableError, LimitExceededError, UnauthorizedError } from '../../errors.ts'
import type { LongTurns } from '../../limits/long-turns.ts'
import type { RequestRoom } from '../../limits/request-room.ts'
import { type Authenticate, callerOf, type ServerContext } from '../context.ts'

/** The header of a 401 response. */
export const challengeOf = ({ challenge }: UnauthorizedError) => ({ 'WWW-Authenticate': challenge })

/** Seconds after which a client may try again whose issuer is unreachable. */
const issuerRetryAfterSeconds = 3

/**
 * Admits an HTTP request before its body is read: checks its token and sets the viewer, and reserves room for `bytes`
 * until it is answered. GraphQLError with an HTTP status.
 */
export type Admit = (
  server: ServerContext,
  request: { readonly authorization: string | undefined; readonly bytes: number },
) => Promise<void>

export function createAdmission(
  authenticate: Authenticate,
  { requestRoom, longTurns }: { readonly requestRoom: RequestRoom; readonly longTurns: Pick<LongTurns, 'arrived'> },
): Admit {
  return async (server, { authorization, bytes }) => {
    const { address, forwarded = false, record, whenAnswered } = server
    try {
      const viewer = await authenticate(authorization, { forwarded, address, record })
      server.viewer = viewer
      const caller = callerOf(viewer, address)
      longTurns.arrived(caller)
      whenAnswered?.(requestRoom.take(caller, bytes))
    } catch (error) {
      throw refusalOf(error)
    }
  }
}

function refusalOf(error: unknown): unknown {
  if (error instanceof UnauthorizedError) {
    const http = { status: 401, headers: challengeOf(error) }
    const { message, code, missing } = error
    return new GraphQLError(message, { extensions: { code, ...(missing && { missing }), http } })
  }
  if (error instanceof LimitExceededError) {
    const { message, code, retryAfterSeconds } = error
    const http = { status: 429, headers: { 'retry-after': String(retryAfterSeconds) } }
    return new GraphQLError(message, { extensions: { code, retryAfterSeconds, http } })
  }
  if (error instanceof IssuerUnavailableError) {
    const retryAfterSeconds = issuerRetryAfterSeconds
    const http = { status: 503, headers: { 'retry-after': String(retryAfterSeconds) } }
    return new GraphQLError(error.message, { extensions: { code: 'SERVICE_UNAVAILABLE', retryAfterSeconds, http } })
  }
  return error
}
