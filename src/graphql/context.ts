import type { DocumentNode } from 'graphql'
import type { YogaServerInstance } from 'graphql-yoga'
import type { Viewer } from '../access/viewer.ts'
import type { Deps } from '../deps.ts'
import type { JsonObject } from '../json/json.ts'
import type { AnswerBudget } from '../limits/answer-budget.ts'
import type { RequestRecord } from '../log/request-record.ts'
import type { Standing } from './live/standing.ts'
import type { Outlet } from './transport/outlet.ts'

/** The context of resolvers. Created once for each operation, over HTTP or WebSocket. */
export type Context = {
  readonly deps: Deps
  /** The authenticated caller. Always present: a request without a valid token is refused before it is parsed. */
  readonly viewer: Viewer
  /** The person or policy, and the address, of the caller, among which the hub shares its reads under load. */
  readonly caller: string
  /** The address of the caller. Undefined when the request had no connection. */
  readonly address: string | undefined
  /** Identifies the request in the log. Undefined when the request had no connection. */
  readonly record: RequestRecord | undefined
  /** Adds to what the audit keeps of a mutation. */
  readonly note?: (more: JsonObject) => void
  /** The name of the hub in tokens and connection strings. */
  readonly hubName: string
  /** Whether documents that are not trusted are refused. */
  readonly trustedDocumentsOnly: boolean
  /** Whether the document is known not to exceed the limit of complexity, whatever the variables are. */
  readonly isWithinComplexity: boolean
  /** The bytes that may be read for the answer, or for the current event of a subscription. */
  readonly answer: AnswerBudget
  /** Creates the budget of another answer: each event of a subscription is one. */
  readonly newAnswer: () => AnswerBudget
  /** Aborts when the client has disconnected. */
  readonly signal: AbortSignal
  /**
   * The outlet of the WebSocket. Undefined over HTTP, where each answer has its own connection, which requests each
   * event.
   */
  readonly outlet: Outlet | undefined
  /** Calls `act` when the connection has taken what was written so far. Only over HTTP. */
  readonly whenTaken: ((act: () => void) => void) | undefined
  /** Whether the client asks for the cost of the operation. */
  readonly wantsCost: boolean
  /** The id of the last event that the client of an event stream has (`setEventId`). */
  readonly lastEventId: string | undefined
  /** Where subscriptions learn that the viewer may no longer do what they need. */
  readonly standing: Standing
  /** Functions that end the open subscriptions of the GraphQL API. A shutdown calls all of them. */
  readonly streams: Set<() => void>
  /** Identifies all equal subscriptions with the same rights, or else this one operation. */
  readonly group: object
}

/** Whether the value that a resolver got is its context. */
export const isContext = (value: unknown): value is Context =>
  typeof value === 'object' && value !== null && 'viewer' in value && 'group' in value

/** The caller of a viewer at an address. */
export const callerOf = (viewer: Viewer, address: string | undefined): string => `${viewer.id} at ${address}`

/** The asker of reads with a time limit. */
export const askerOf = ({ deps, caller, signal }: Pick<Context, 'deps' | 'caller' | 'signal'>) => ({
  caller,
  signal,
  turns: deps.answerRoom.turnsOf(caller),
})

/** The input of a context. The viewer is known before the operation is parsed. */
export type ServerContext = {
  viewer?: Viewer | undefined
  address?: string | undefined
  record?: RequestRecord | undefined
  /** Whether a proxy has forwarded the request. */
  forwarded?: boolean
  /** Whether the request was admitted before Yoga got it. */
  isAdmitted?: boolean
  /** The document of the request, when it was parsed and validated before Yoga does so. */
  document?: DocumentNode | undefined
  /** Whether the parameters of the request were long enough for a long turn. */
  isLong?: boolean
  signal?: AbortSignal
  outlet?: Outlet
  /** That of the credential. Default: the credential stays as it is. */
  standing?: Standing
  /** Calls `act` when the answer has been sent. Only over HTTP. */
  whenAnswered?: (act: () => void) => void
  /** Calls `act` when the connection has taken what was written so far, or has closed. Only over HTTP. */
  whenTaken?: (act: () => void) => void
  /** Called before the head of the answer is sent. Only over HTTP. */
  beforeAnswer?: () => void
}

/** Creates the context of an operation, by what its request says. */
export type ContextOf = (
  server: ServerContext,
  /** Its signal is read only when something waits for it. */
  client: { readonly signal: AbortSignal },
  request?: {
    readonly document?: DocumentNode
    readonly extensions?: unknown
    readonly lastEventId?: string | undefined
  },
) => Context

/** Yoga with the contexts of this API. */
export type Yoga = YogaServerInstance<ServerContext, Context>

/**
 * Authenticates the token in the `Authorization` header, or in its equivalent of the WebSocket. Undefined when no token
 * was sent. A request that a proxy has forwarded may come from anywhere. UnauthorizedError, which is logged.
 */
export type Authenticate = (
  authorization: string | undefined,
  from: {
    readonly forwarded: boolean
    readonly address: string | undefined
    /** Gets the actor. */
    readonly record?: RequestRecord | undefined
  },
) => Promise<Viewer>
