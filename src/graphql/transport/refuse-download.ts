import type { ServerResponse } from 'node:http'
import type { GraphQLError } from 'graphql'
import { UnauthorizedError } from '../../errors.ts'
import { challengeOf } from './admission.ts'
import { shown } from './http-result.ts'

/** The status of a refusal, by its code. */
const statuses: Readonly<Record<string, number>> = {
  UNAUTHORIZED: 401,
  TOKEN_EXPIRED: 401,
  TOKEN_INVALID: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  INVALID_INPUT: 400,
  LIMIT_EXCEEDED: 429,
  SERVICE_UNAVAILABLE: 503,
}

/** Answers a download that failed. What has begun is cut off, so that nobody takes it for complete. */
export function refuseDownload(response: ServerResponse, error: unknown, masked: GraphQLError): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const { code, retryAfterSeconds } = masked.extensions
  response.writeHead(statuses[String(code)] ?? 500, {
    'content-type': 'application/json; charset=utf-8',
    ...(typeof retryAfterSeconds === 'number' && { 'retry-after': String(retryAfterSeconds) }),
    ...(error instanceof UnauthorizedError && challengeOf(error)),
  })
  response.end(JSON.stringify({ errors: [shown(masked)] }))
}
