import type { YogaServerInstance } from 'graphql-yoga'
import type { Viewer } from '../access/policy.ts'
import type { Asker } from '../database/bounded-read.ts'
import type { Deps } from '../deps.ts'
import type { AnswerBudget } from '../limits/answer-budget.ts'
import type { Outlet } from './transport/outlet.ts'

/** What resolvers get: made once an operation, whichever way it came in. */
export type Context = {
  readonly deps: Deps
  /** Who asks. There always is one: whoever shows no valid token is turned away before anything is parsed. */
  readonly viewer: Viewer
  /** Whose turn it is when the hub has much to read: a policy at an address. */
  readonly caller: string
  /** How much may be read for the answer; for each event of a subscription. */
  readonly answer: AnswerBudget
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal
  /** Where the events of a WebSocket leave. An answer over HTTP has a connection of its own, which asks for each event. */
  readonly outlet: Outlet | undefined
  /** Ends each subscription that is open at this door; a shutdown calls them all. */
  readonly streams: Set<() => void>
  /** Stands for all subscriptions that ask the same thing with the same rights; for one operation where none is equal. */
  readonly group: object
}

/** Whose turn it is, by who asks and from where. */
export const callerOf = (viewer: Viewer, address: string | undefined): string => `${viewer.policyName} at ${address}`

/** Who asks, for what is read within a limit of time. */
export const askerOf = ({ caller, signal }: Pick<Context, 'caller' | 'signal'>): Asker => ({ caller, signal })

/** What an operation comes in with; the viewer is known before anything is parsed. */
export type ServerContext = {
  viewer?: Viewer | undefined
  address?: string | undefined
  /** Whether a proxy passed the request on. */
  forwarded?: boolean
  signal?: AbortSignal
  outlet?: Outlet
  /** Calls it when the answer has left. For what comes by HTTP. */
  whenAnswered?: (act: () => void) => void
}

/** Yoga with our contexts. */
export type Yoga = YogaServerInstance<ServerContext, Context>

/**
 * Who asks, by the token in the `Authorization` header or what stands for it; undefined: none was sent. A
 * request that a proxy passed on may come from anywhere. UnauthorizedError, which is logged.
 */
export type Authenticate = (
  authorization: string | undefined,
  from: { readonly forwarded: boolean; readonly address: string | undefined },
) => Promise<Viewer>
