import { bearerIn } from '../access/authenticator-commands.ts'
import { authenticateViewer } from '../access/commands.ts'
import { may } from '../access/rights.ts'
import type { Viewer } from '../access/viewer.ts'
import { type Audited, audited } from '../audit/commands.ts'
import { type AuditEnd, endByError } from '../audit/entry.ts'
import { isTemporary } from '../database/outage.ts'
import type { Deps } from '../deps.ts'
import { AnswerTooLargeError, InvalidInputError, UnauthorizedError } from '../errors.ts'
import { envelopeDepth } from '../json/json.ts'
import { maxBodyBytes } from '../limits/body-size.ts'
import { announcedBytes } from '../limits/request-room.ts'
import { createRefusalLog } from '../log/refused-clients.ts'
import { type RequestRecord, requestIdIn } from '../log/request-record.ts'
import { readQueryString } from '../query-string.ts'
import { answerBytesOf } from './answer-bytes.ts'
import { hasKeys } from './answer-keys.ts'
import { readBody } from './body.ts'
import { typedBody } from './body-types.ts'
import { deviceRoutes } from './devices.ts'
import { classicBody, failureOf, faultOf, outageOf, RestError, structuredBody } from './errors.ts'
import { jobRoutes } from './jobs.ts'
import { methodRoutes } from './methods.ts'
import { openApiDocument, openApiRoute } from './openapi.ts'
import { parameters } from './parameters.ts'
import { queryRoutes } from './query.ts'
import { bytesOf } from './response-bytes.ts'
import type { Call, Choices, Route } from './route.ts'
import { twinRoutes } from './twins.ts'
import { absence, absentRoots } from './unsupported-paths.ts'

/** A literal segment comes before an id at the same place: no job is called "query", but a device may be. */
const resources: readonly Route[] = [...queryRoutes, ...deviceRoutes, ...twinRoutes, ...methodRoutes, ...jobRoutes]

/** All routes of the REST API. */
export const routes: readonly Route[] = [...resources, openApiRoute(resources)]

/** The OpenAPI document as it is sent. The router serves it, too; the HTTP server may serve it directly. */
export const openApi = {
  path: '/openapi.json',
  type: 'application/json; charset=utf-8',
  text: JSON.stringify(openApiDocument(routes)),
} as const

/** The root paths of the REST API, each with everything below it. */
export const restPaths: readonly string[] = [
  ...new Set(routes.map(({ path }) => `/${path.split('/')[1]}`)),
  ...absentRoots,
]

/**
 * Whether a request at an unknown path is meant for the REST API, so that its client gets an answer in a form that it
 * can read.
 */
export const looksLikeRest = (url: string): boolean => /^\/[^?]*\?(?:.*&)?api-version=/i.test(url)

/** The REST API: answers every request, including failed ones. */
export type RestHandler = (
  request: Request,
  address?: string,
  whenAnswered?: (act: () => void) => void,
  record?: RequestRecord,
) => Promise<Response>

/** The header in which clients of Azure look for the id of a request. */
const azureIdHeader = 'x-ms-request-id'

/**
 * Makes the REST API. `hostNames` are the hub's own, for which tokens are signed. It always needs a token, even on
 * loopback: every client of IoT Hub has one, and no page in a browser can act in its user's place.
 */
export function createRestHandler(
  deps: Deps,
  { hostNames, choices }: { readonly hostNames: readonly string[]; readonly choices: Choices },
): RestHandler {
  const logRefusal = createRefusalLog(deps)
  /** Runs the route for an authorized client. */
  const authorize = async (
    request: Request,
    route: Route,
    segments: readonly string[],
    address: string | undefined,
    onViewer: (viewer: Viewer) => void,
  ): Promise<{ readonly caller: string; handle(call: Omit<Call, 'caller'>): Promise<Response> }> => {
    if (route.right === undefined) {
      const caller = `anyone at ${address}`
      return { caller, handle: (call) => route.handle({ ...call, caller }) }
    }
    const authorization = request.headers.get('authorization') ?? ''
    if (bearerIn(authorization) !== undefined) {
      throw new UnauthorizedError('This API accepts shared access signatures only. GraphQL accepts tokens of persons.')
    }
    const viewer = await authenticateViewer(deps, authorization, hostNames, segments)
    onViewer(viewer)
    // IoT Hub answers 401 to this, too.
    if (!may(viewer, route.right)) {
      throw new UnauthorizedError(`The policy ${viewer.name} does not have the right for this request.`)
    }
    const caller = `${viewer.id} at ${address}`
    return { caller, handle: (call) => route.handle({ ...call, viewer, caller }) }
  }

  return async (request, address, whenAnswered, given) => {
    const record = given ?? { id: requestIdIn(Object.fromEntries(request.headers)) }
    let form: Route['errorForm']
    let release = (): void => {}
    let audit: Audited | undefined
    /** Waits until the answer may be sent. Bytes that are not known are as many as it may have. */
    let pass = (_bytes: number | undefined): Promise<void> | undefined => undefined
    try {
      const { pathname, search } = new URL(request.url)
      const query = inOwnSpelling(parametersIn(search))
      const segments = segmentsOf(pathname)
      const { route, id } = findRoute(request.method, segments)
      if (route.right !== undefined) checkApiVersion(query.get('api-version'))
      const { operationId: operation } = route
      record.operation = operation
      const { caller, handle } = await authorize(request, route, segments, address, (actor) => {
        record.actor = actor.id
        if (typeof route.audit !== 'function') return
        const log = deps.log.child({ requestId: record.id })
        audit = audited({ ...deps, log }, { actor, address, operation, target: id === '' ? null : id, detail: null })
      })
      if (route.throttle !== undefined) deps.throttles.take(route.throttle)
      const maxBytes = route.body?.maxBytes ?? maxBodyBytes
      if (route.body) release = deps.requestRoom.take(caller, announcedBytes(request, maxBytes))
      const maxDepth = deps.limits.jsonDepth + envelopeDepth
      const { headers, signal } = request
      deps.longTurns.arrived(caller)
      const takeTurn = <T>(work: () => T, bytes = 0) => deps.longTurns.take(caller, work, signal, bytes)
      const read = route.body && (await readBody(request, { maxBytes, maxDepth }, takeTurn))
      form = route.errorForm
      const body = route.body && typedBody(read?.json, route.body.schema)
      const note: Call['note'] = (more) => audit?.note(more)
      if (typeof route.audit === 'function') note(route.audit(body) ?? {})
      const answerBytes = answerBytesOf(route, deps.limits)
      if (answerBytes !== undefined && whenAnswered !== undefined) {
        const hold = await deps.answerRoom.enter(caller, answerBytes, signal)
        whenAnswered(hold.release)
        pass = (bytes) => hold.pass(bytes ?? answerBytes)
      }
      const call = { deps: audit?.deps ?? deps, choices, id, query, headers, body, signal, address, note }
      // A handler checks a long body before it waits for anything.
      const act = async () => (read?.isLong ? takeTurn(() => handle(call)) : handle(call))
      const attributes = { 'twincast.target': id }
      const response = await (deps.tracing === undefined ? act() : deps.tracing.inSpan(operation, { attributes }, act))
      if (response === undefined) throw new RestError('DeserializationError', 'The client has disconnected.') // nobody reads it
      if (hasKeys(route)) response.headers.set('cache-control', 'no-transform')
      await audit?.end()
      response.headers.set(azureIdHeader, record.id)
      await pass(bytesOf(response))
      return response
    } catch (error) {
      await audit?.end(endOf(error))
      await pass(error instanceof AnswerTooLargeError ? undefined : 0)
      if (error instanceof UnauthorizedError) {
        const { reason } = error
        logRefusal({ protocol: 'REST', cause: 'credential', reason, address: address ?? '', requestId: record.id })
      }
      return refuse(deps, request, error, { form, requestId: record.id })
    } finally {
      release()
    }
  }
}

/** How the audit shows the failure of a request. */
function endOf(error: unknown): AuditEnd {
  const expected = endByError(error)
  if (expected !== undefined) return expected
  if (error instanceof RestError) return { outcome: 'refused', code: error.code }
  return { outcome: 'failed', code: isTemporary(error) ? 'SERVICE_UNAVAILABLE' : 'INTERNAL_SERVER_ERROR' }
}

/** Each part of the path, decoded once. IoT Hub ignores empty ones: `/devices/` is the list of devices. */
function segmentsOf(pathname: string): string[] {
  try {
    const segments = pathname.split('/').filter((segment) => segment !== '')
    const decoded = segments.map(decodeURIComponent)
    if (!decoded.some((segment) => segment.includes('\0'))) return decoded
  } catch (error) {
    if (!(error instanceof URIError)) throw error
  }
  throw new InvalidInputError([], 'The percent-encoding of the path is invalid.')
}

function parametersIn(search: string): URLSearchParams {
  const parameters = readQueryString(search.slice(1))
  if (parameters !== undefined) return parameters
  throw new InvalidInputError([], 'The percent-encoding of the query string is invalid.')
}

/** 404 for an unknown path, 405 for a method that the path does not support. */
function findRoute(method: string, segments: readonly string[]): { route: Route; id: string } {
  const found = routes.flatMap((route) => {
    const id = idIn(route.path, segments)
    return id === undefined ? [] : { route, id }
  })
  if (found.length === 0) throw new RestError('GenericNotFound', absence(segments))
  const match = found.find(({ route }) => route.method === method)
  if (match !== undefined) return match
  const allow = [...new Set(found.map(({ route }) => route.method))].join(', ')
  throw new RestError('GenericMethodNotAllowed', `This path does not support ${method}. Use ${allow}.`, { allow })
}

/**
 * The id in a path that matches the pattern; empty when the pattern has none, undefined when the path does not match.
 */
function idIn(pattern: string, segments: readonly string[]): string | undefined {
  const parts = pattern.slice(1).split('/')
  if (parts.length !== segments.length) return undefined
  let id = ''
  for (const [index, part] of parts.entries()) {
    const segment = segments[index] ?? ''
    if (part.startsWith('{')) id = segment
    else if (part !== segment) return undefined
  }
  return id
}

const parameterNames = new Map(Object.keys(parameters).map((name) => [name.toLowerCase(), name]))

/** The query string with this API's spelling of parameter names: IoT Hub ignores their case. */
function inOwnSpelling(query: URLSearchParams): URLSearchParams {
  return new URLSearchParams([...query].map(([name, value]) => [parameterNames.get(name.toLowerCase()) ?? name, value]))
}

function checkApiVersion(version: string | null): void {
  if (version !== null && /^\d{4}-\d{2}-\d{2}(-preview)?$/.test(version)) return
  throw new RestError(
    'InvalidProtocolVersion',
    'The query parameter api-version is missing or invalid. Use a date such as api-version=2021-04-12.',
  )
}

/** The answer to a failure. The cause of a fault of the hub is logged and not shown. */
function refuse(
  deps: Pick<Deps, 'clock' | 'log'>,
  request: Request,
  error: unknown,
  { form, requestId }: { readonly form: Route['errorForm']; readonly requestId: string },
): Response {
  const tracking = { trackingId: requestId, now: deps.clock.now() }
  let failure = failureOf(error)
  if (failure === undefined) {
    failure = outageOf(error)
    if (failure !== undefined) deps.log.warn({ err: error, requestId }, 'REST request failed: database unavailable')
  }
  if (failure === undefined) {
    const { pathname } = new URL(request.url)
    const { method } = request
    // Clients are referred to this line, so it must not be combined with others.
    deps.log.error({ err: error, requestId, trackingId: requestId, method, path: pathname }, 'REST request failed')
    failure = faultOf(requestId)
  }
  const body = form === 'structured' ? structuredBody(failure, tracking) : classicBody(failure, tracking)
  return new Response(JSON.stringify(body), {
    status: failure.status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'iothub-errorcode': failure.name,
      [azureIdHeader]: requestId,
      ...failure.headers,
    },
  })
}
