import type { Right } from '../access/rights.ts'
import type { Viewer } from '../access/viewer.ts'
import type { Deps } from '../deps.ts'
import type { JsonObject } from '../json/json.ts'
import { printJson } from '../json/json-text.ts'
import type { ThrottleName } from '../throttle/presets.ts'
import type { ParameterName } from './parameters.ts'
import { withBytes } from './response-bytes.ts'
import type { SchemaName } from './schemas.ts'

/** Behaviour on which sources about IoT Hub disagree, so that the operator can choose; docs/rest.md has the reasons. */
export type Choices = {
  /** The answer to GET of an unknown job: 404, or 200 with the status `unknown` like the service itself. */
  readonly unknownJob: '404' | 'unknown'
  /** Whether POST …/cancel may cancel a running job. */
  readonly cancelRunning: boolean
  /** Whether queries are refused that IoT Hub would refuse. */
  readonly strictQuery: boolean
}

/** An accepted request. */
export type Call = {
  readonly deps: Deps
  readonly choices: Choices
  /** The id in the path, decoded once; empty when the route has none. */
  readonly id: string
  readonly query: URLSearchParams
  readonly headers: Headers
  /** Parsed JSON; undefined when the route takes no body. */
  readonly body: unknown
  /** The caller for turns when the hub has much to read: a policy at an address. */
  readonly caller: string
  /** The address of the client. Undefined when the request had no connection. */
  readonly address: string | undefined
  /** Adds to what the audit keeps of a request that changes something. */
  readonly note: (more: JsonObject) => void
  /** Aborts when the client disconnects. */
  readonly signal: AbortSignal
}

/** A request from an authorized client. */
export type ViewerCall = Call & { readonly viewer: Viewer }

/**
 * One operation of the REST API: its path, the right it needs, its description for the OpenAPI document, and its
 * handler.
 */
export type Route = Described &
  (
    | {
        /** The right that the caller needs. */
        readonly right: Right
        readonly handle: (call: ViewerCall) => Promise<Response>
      }
    // A route without a right needs neither a token nor an api-version.
    | { readonly right?: undefined; readonly handle: (call: Call) => Promise<Response> }
  )

/**
 * What the audit keeps of a request: more about it, from its body. Its target is the id in the path. Never a key, a
 * payload or a value of a twin.
 */
export type RouteAudit = (body: unknown) => JsonObject | null

/** Required unless the method is GET, so that no change can be forgotten. */
type Changes =
  | { readonly method: 'GET'; readonly audit?: undefined }
  | { readonly method: 'PUT' | 'PATCH' | 'POST' | 'DELETE'; readonly audit: RouteAudit | 'changes nothing' }

type Described = Changes & {
  /** Literal segments and at most one `{name}`. */
  readonly path: string
  readonly operationId: string
  readonly summary: string
  /**
   * The throttle that a request counts against; none for a cheap request, or for one whose work is counted elsewhere.
   */
  readonly throttle?: ThrottleName
  /** Headers and query parameters in addition to api-version. */
  readonly parameters?: readonly ParameterName[]
  readonly body?: {
    readonly schema: SchemaName
    /** Maximum bytes, if different from other routes. */
    readonly maxBytes?: number
  }
  /** The schema also says whether the answer needs room among those under way; see answer-bytes.ts. */
  readonly answer: { readonly status: 200 | 204; readonly schema?: SchemaName }
  /** The form of failures of the operation itself; those of the REST API are always classic. */
  readonly errorForm?: 'structured'
}

/** The asker for reads with a time limit. */
export const askerOf = ({ deps, caller, signal }: Pick<Call, 'deps' | 'caller' | 'signal'>) => ({
  caller,
  signal,
  turns: deps.answerRoom.turnsOf(caller),
})

/** 200 with a JSON body. */
export function answer(body: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  return answerText(printJson(body), headers)
}

/** 200 with a body that is JSON text already. */
export function answerText(text: string, headers: Readonly<Record<string, string>> = {}): Response {
  const response = new Response(text, { headers: { 'content-type': 'application/json; charset=utf-8', ...headers } })
  return withBytes(response, Buffer.byteLength(text))
}
