import type { Operation, Viewer } from '../access/policy.ts'
import type { Asker } from '../database/bounded-read.ts'
import type { Deps } from '../deps.ts'
import { printJson } from '../json/json-text.ts'
import type { ThrottleName } from '../throttle/presets.ts'
import type { ParameterName } from './parameters.ts'
import type { SchemaName } from './schemas.ts'

/** Where sources on IoT Hub disagree and this hub lets its operator choose; docs/rest.md has the reasons. */
export type Choices = {
  /** What GET of an unknown job answers: 404, or 200 with the status `unknown` as the service itself does. */
  readonly unknownJob: '404' | 'unknown'
  /** Whether POST …/cancel may cancel a job that runs already. */
  readonly cancelRunning: boolean
  /** Whether queries are refused that IoT Hub would refuse. */
  readonly strictQuery: boolean
}

/** A request that the door has let in. */
export type Call = {
  readonly deps: Deps
  readonly choices: Choices
  /** The id in the path, decoded once; empty when the route has none. */
  readonly id: string
  readonly query: URLSearchParams
  readonly headers: Headers
  /** Parsed JSON; undefined when the route takes no body. */
  readonly body: unknown
  /** Whose turn it is when the hub has much to read: a policy at an address. */
  readonly caller: string
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal
}

/** A request of somebody who has the right to it. */
export type ViewerCall = Call & { readonly viewer: Viewer }

/** One operation of the door: how it is found, who may use it, what it is called in the OpenAPI document, what it does. */
export type Route = Described &
  (
    | {
        /** What the caller needs the right to. */
        readonly operation: Operation
        readonly handle: (call: ViewerCall) => Promise<Response>
      }
    // Anyone may use a route without, and needs no api-version for it.
    | { readonly operation?: undefined; readonly handle: (call: Call) => Promise<Response> }
  )

type Described = {
  readonly method: 'GET' | 'PUT' | 'PATCH' | 'POST' | 'DELETE'
  /** Literal segments and at most one `{name}`. */
  readonly path: string
  readonly operationId: string
  readonly summary: string
  /** What a request counts as; nothing when it is cheap, or counted by what it does. */
  readonly throttle?: ThrottleName
  /** Headers and query parameters beside api-version. */
  readonly parameters?: readonly ParameterName[]
  readonly body?: {
    readonly schema: SchemaName
    /** Bytes, when not those of any other route. */
    readonly maxBytes?: number
  }
  readonly answer: { readonly status: 200 | 204; readonly schema?: SchemaName }
  /** How failures of the operation itself look; those of the door are always classic. */
  readonly errorForm?: 'structured'
}

/** Who asks, for what is read within a limit of time. */
export const askerOf = ({ caller, signal }: Pick<Call, 'caller' | 'signal'>): Asker => ({ caller, signal })

/** 200 with a JSON body. */
export function answer(body: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  return answerText(printJson(body), headers)
}

/** 200 with a body that is JSON text already. */
export function answerText(text: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(text, { headers: { 'content-type': 'application/json; charset=utf-8', ...headers } })
}
