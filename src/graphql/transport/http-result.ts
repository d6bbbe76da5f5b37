import type { ExecutionResult, GraphQLError } from 'graphql'

/** The media types of results over HTTP, except for event streams. */
export type ResultType = 'application/json' | 'application/graphql-response+json'

/** A response that is about to be sent. */
export type HttpResult<Body> = {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: Body
}

/**
 * The first media type in an `Accept` header that a result can have; undefined when there is none. Clients that accept
 * both by a wildcard get the older one. Quality values are ignored.
 */
export function resultTypeFor(accept: string | null | undefined): ResultType | undefined {
  for (const range of (accept || '*/*').replace(/\s/g, '').toLowerCase().split(',')) {
    const [mediaType, ...parameters] = range.split(';')
    const charset = parameters.find((parameter) => parameter.includes('charset='))
    if (charset !== undefined && charset !== 'charset=utf-8') continue
    const [type, subtype] = mediaType?.split('/') ?? []
    if (type !== '*' && type !== 'application') continue
    if (subtype === '*' || subtype === 'json') return 'application/json'
    if (subtype === 'graphql-response+json') return 'application/graphql-response+json'
  }
  return undefined
}

/**
 * A result as an HTTP response. The status and the headers of its errors are in their extension `http`, which clients
 * do not see. A result of the type `application/json` is 200 also for a document that is not valid.
 */
export function httpResultOf<Body>(
  { errors = [], ...others }: ExecutionResult,
  type: ResultType,
  print: (result: unknown) => Body,
): HttpResult<Body> {
  const headers: Record<string, string> = { 'Content-Type': `${type}; charset=utf-8` }
  let status = 0
  for (const { extensions } of errors) {
    const http = isHttp(extensions.http) ? extensions.http : {}
    Object.assign(headers, http.headers)
    if (http.spec && type === 'application/json') continue
    status = Math.max(status, http.status ?? 0)
  }
  const result = errors.length === 0 ? others : { errors: errors.map(shown), ...others }
  return { status: status || 200, headers, body: print(result) }
}

type Http = { readonly status?: number; readonly headers?: Record<string, string>; readonly spec?: boolean }

const isHttp = (value: unknown): value is Http => typeof value === 'object' && value !== null

/** An error as clients see it. */
export function shown(error: GraphQLError): unknown {
  const { http: _http, ...extensions } = error.extensions
  const { message, locations, path } = error.toJSON()
  return { message, locations, path, ...(Object.keys(extensions).length > 0 && { extensions }) }
}
