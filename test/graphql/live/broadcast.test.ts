import {
  type ExecutionResult,
  GraphQLError,
  GraphQLInt,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  parse,
} from 'graphql'
import { beforeEach, expect, test } from 'vitest'
import type { Viewer } from '../../../src/access/viewer.ts'
import { createEvents, type Events } from '../../../src/events/events.ts'
import type { Context } from '../../../src/graphql/context.ts'
import { newerStates } from '../../../src/graphql/live/paced-rows.ts'
import { sharedReads } from '../../../src/graphql/live/shared-reads.ts'
import { createSharedSubscribe } from '../../../src/graphql/live/shared-subscribe.ts'
import { createSource, isSource, type Source } from '../../../src/graphql/live/source.ts'
import { createStanding } from '../../../src/graphql/live/standing.ts'
import { createDocuments } from '../../../src/graphql/transport/documents.ts'
import { createOutlet } from '../../../src/graphql/transport/outlet.ts'
import { sendResults } from '../../../src/graphql/transport/socket-results.ts'
import { AnswerBudget } from '../../../src/limits/answer-budget.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { owner, viewerOf } from '../door.ts'
import { connected, type SocketPair } from '../transport/socket-pair.ts'

// Everything from the event to the client's socket, on an object that is only a version.

type State = { readonly version: number; readonly isLast: boolean }

let clock: TestClock
let events: Events
let state: State
let streams: Set<() => void>
/** How often a state was read, executed and printed, in this order. */
let work: { reads: number; executions: number; prints: number }
/** Executions of the field `held` that have begun and not ended. */
let held: { readonly version: number; end(error?: Error): void }[]
beforeEach(() => {
  clock = createTestClock()
  events = createEvents(clock)
  state = { version: 1, isLast: false }
  streams = new Set()
  work = { reads: 0, executions: 0, prints: 0 }
  held = []
})

const states = sharedReads<State | null>()
const find = async (): Promise<State> => {
  work.reads++
  return { ...state }
}
const stateType = new GraphQLObjectType<State, Context>({
  name: 'State',
  fields: {
    version: { type: GraphQLInt },
    text: {
      type: GraphQLString,
      args: { length: { type: GraphQLInt } },
      resolve: (_state, { length }) => 'x'.repeat(length),
    },
    rights: { type: GraphQLInt, resolve: (_state, _args, { viewer }) => viewer.rights.size },
    held: {
      type: GraphQLInt,
      resolve: ({ version }) =>
        new Promise((resolve, reject) => {
          held.push({ version, end: (error) => (error === undefined ? resolve(version) : reject(error)) })
        }),
    },
  },
})
const subscription = new GraphQLObjectType<unknown, Context>({
  name: 'Subscription',
  fields: {
    state: {
      type: stateType,
      args: { after: { type: GraphQLInt } },
      subscribe: (_root, { after = 0 }, context) =>
        newerStates<object, State>(context, events.listen('job', 'a'), {
          reads: states,
          find,
          versionOf: ({ version }) => version,
          after,
          accept(first) {
            if (first === null) throw new Error('gone')
            return first
          },
          isLast: ({ isLast }) => isLast,
        }),
      resolve(row) {
        work.executions++
        return row
      },
    },
  },
})
const query = new GraphQLObjectType({ name: 'Query', fields: { nothing: { type: GraphQLString } } })
const schema = new GraphQLSchema({ query, subscription })
const { execute } = createDocuments(schema)
const mask = (error: unknown): GraphQLError => (error instanceof GraphQLError ? error : new GraphQLError(String(error)))
const print = (result: unknown): string => {
  work.prints++
  return JSON.stringify(result)
}
let open = createSharedSubscribe(execute, mask)
beforeEach(() => {
  open = createSharedSubscribe(execute, mask)
})

/** The results of a subscription, before they are sent. */
async function subscribe(
  pair: SocketPair | undefined,
  { fields = 'version', after = 0, viewer = owner }: { fields?: string; after?: number; viewer?: Viewer } = {},
): Promise<Source<ExecutionResult>> {
  const results = await open({
    schema,
    document: parse(`subscription ($after: Int) { state(after: $after) { ${fields} } }`),
    variableValues: { after },
    contextValue: {
      deps: { clock },
      viewer,
      standing: createStanding(),
      group: {},
      streams,
      outlet: pair && outletOf(pair),
      answer: new AnswerBudget(1),
      signal: new AbortController().signal,
    },
  })
  if (!isSource(results)) throw new Error(JSON.stringify(results))
  return results
}

const outlets = new WeakMap<SocketPair, ReturnType<typeof createOutlet>>()
function outletOf(pair: SocketPair) {
  const { socket, connection } = pair
  const known = outlets.get(pair)
  if (known !== undefined) return known
  const outlet = createOutlet(() => socket.bufferedAmount, 1_000_000)
  connection.on('drain', outlet.relieve)
  outlets.set(pair, outlet)
  return outlet
}

type Subscriber = {
  readonly pair: SocketPair
  /** What the client has received. */
  readonly received: readonly { readonly id: string; readonly payload: ExecutionResult }[]
  /** How often the results were asked for the next one. */
  readonly takes: () => number
  /** Resolves when everything has been received that was written before. */
  caughtUp(): Promise<void>
  leave(): void
  /** Whether it is open or complete, or the error that ended it. */
  end(): string
}

/** A subscriber on a connection of its own, unless it has one. It has received its first state. */
async function follow(
  options: { pair?: SocketPair; id?: string; fields?: string; after?: number; viewer?: Viewer } = {},
): Promise<Subscriber> {
  const { pair = await connected(), id = '1', ...asked } = options
  const { client, socket, connection } = pair
  const received: { id: string; payload: ExecutionResult }[] = []
  client.on('message', (data) => {
    const message = JSON.parse(String(data))
    if (message.id === id) received.push(message)
  })
  const results = await subscribe(pair, asked)
  let takes = 0
  const counted = createSource<ExecutionResult>(
    (sink) => {
      takes++
      results.take(sink)
    },
    () => void results.return(),
  )
  const sending = sendResults(counted, { id, socket, connection, print, hold: () => () => {} })
  let end = 'open'
  sending.next().then(
    () => {
      end = 'complete'
    },
    (error) => {
      end = String(error)
    },
  )
  const subscriber: Subscriber = {
    pair,
    received,
    takes: () => takes,
    caughtUp: () =>
      new Promise((resolve) => {
        client.once('ping', () => resolve())
        socket.ping()
      }),
    leave: () => void sending.return?.(),
    end: () => end,
  }
  await subscriber.caughtUp()
  return subscriber
}

const versionsOf = ({ received }: Subscriber): unknown[] =>
  received.map(({ payload }) => Object(payload.data?.state).version ?? payload)

/** The state after another change, of which nobody has been notified yet. */
const next = (isLast = false): void => {
  state = { version: state.version + 1, isLast }
}
const notify = (): void => events.publish('job', 'a', { jobId: 'a' })
const settled = () => new Promise((resolve) => setImmediate(resolve))
/** A change, and everything that follows from it here. */
const change = async (isLast = false): Promise<void> => {
  next(isLast)
  notify()
  await settled()
}
const caughtUp = (subscribers: readonly Subscriber[]) => Promise.all(subscribers.map((each) => each.caughtUp()))

test('an event is read, executed and printed once, and reaches all that wait without being asked for', async () => {
  const all = await Promise.all(Array.from({ length: 20 }, (_, index) => follow({ id: `id ${index}` })))
  const takes = all.map((each) => each.takes())
  const before = { ...work }
  for (let turn = 0; turn < 3; turn++) await change()
  await caughtUp(all)
  expect(all.map(versionsOf)).toEqual(all.map(() => [1, 2, 3, 4]))
  expect(all.map(({ received }) => received.at(-1)?.id)).toEqual(all.map((_, index) => `id ${index}`))
  expect(work).toEqual({ reads: before.reads + 3, executions: before.executions + 3, prints: before.prints + 3 })
  expect(all.map((each) => each.takes())).toEqual(takes)
})

test('an event that changes nothing is neither executed nor sent', async () => {
  const all = [await follow(), await follow()]
  await change()
  const before = { ...work }
  notify()
  await settled()
  await caughtUp(all)
  expect(all.map(versionsOf)).toEqual([
    [1, 2],
    [1, 2],
  ])
  expect(work).toEqual({ ...before, reads: before.reads + 1 })
})

test('a client that stops reading while others do is sent two results more, and the last when it reads again', async () => {
  const fields = 'version text(length: 300000)'
  const [slow, quick] = [await follow({ fields }), await follow({ fields })]
  const { client, connection } = slow.pair
  client.pause()
  while (connection.writableLength === 0) await change()
  const full = state.version
  for (let turn = 0; turn < 10; turn++) await change()
  expect(connection.writableLength).toBeLessThan(2 * 310_000)
  await quick.caughtUp()
  expect(versionsOf(quick)).toEqual(Array.from({ length: state.version }, (_, index) => index + 1))
  client.resume()
  await expect.poll(() => versionsOf(slow).at(-1)).toBe(state.version)
  expect(versionsOf(slow)).toEqual([
    ...Array.from({ length: full + 1 }, (_, index) => index + 1), // what has left, waits, or is written meanwhile
    state.version,
  ])
  const takes = slow.takes()
  await change()
  await slow.caughtUp()
  expect([versionsOf(slow).at(-1), slow.takes()]).toEqual([state.version, takes])
})

test('a subscription that ends while an event is sent to others gets nothing more', async () => {
  const [left, closed] = [await connected(), await connected()]
  // Has no connection, so it is handed the result before those that follow.
  const first = await subscribe(undefined)
  const all: Subscriber[] = []
  const sink = {
    next: ({ data }: ExecutionResult): void => {
      if (Object(data?.state).version === 2) {
        all[0]?.leave()
        closed.socket.close()
      }
      first.take(sink)
    },
    done() {},
    fail() {},
  }
  first.take(sink)
  for (const pair of [left, closed, undefined]) all.push(await follow(pair && { pair }))
  await change()
  await all[2]?.caughtUp()
  await all[0]?.caughtUp()
  expect(all.map(versionsOf)).toEqual([[1], [1], [1, 2]])
  expect(all.map((each) => each.end())).toEqual(['complete', 'complete', 'open'])
  expect(streams.size).toBe(2)
})

test('subscriptions with other rights are executed and sent apart', async () => {
  const fields = 'version rights'
  const few = viewerOf('service')
  const counts = [owner, few].map(({ rights }) => rights.size)
  expect(new Set(counts)).toHaveProperty('size', 2)
  const all = [
    await follow({ fields }),
    await follow({ fields, viewer: few }),
    await follow({ fields }),
    await follow({ fields, viewer: few }),
  ]
  await change()
  await caughtUp(all)
  expect(all.map(({ received }) => received.at(-1)?.payload.data?.state)).toEqual(
    [...counts, ...counts].map((rights) => ({ version: 2, rights })),
  )
})

/** A subscriber whose first execution was held and then ended. */
async function followHeld(options: Parameters<typeof follow>[0] = {}): Promise<Subscriber> {
  const follower = await follow({ fields: 'version held', ...options })
  await finishHeld()
  await follower.caughtUp()
  return follower
}
/** Ends executions that are held, all or those of one version, and lets everything happen that follows. */
async function finishHeld(version?: number): Promise<void> {
  const [due, others] = [held, [] as typeof held]
  held = others
  for (const each of due) {
    if (version === undefined || each.version === version) each.end()
    else others.push(each)
  }
  await settled()
}

test('events that come while another is executed are sent after it, as one', async () => {
  const all = [await followHeld(), await followHeld()]
  const takes = all.map((each) => each.takes())
  await change()
  expect(held).toHaveLength(1)
  await change()
  await change()
  expect(held).toHaveLength(1)
  await finishHeld()
  expect(held).toHaveLength(1)
  await finishHeld()
  await caughtUp(all)
  expect(all.map(versionsOf)).toEqual([
    [1, 2, 4],
    [1, 2, 4],
  ])
  expect(all.map((each) => each.takes())).toEqual(takes)
})

test('the subscription that an execution began for may end before it: the others get the result', async () => {
  const [first, second] = [await followHeld(), await followHeld()]
  await change()
  first.leave()
  await finishHeld()
  await second.caughtUp()
  expect([versionsOf(first), versionsOf(second)]).toEqual([[1], [1, 2]])
})

test('a subscription that comes while an event is executed is sent every state once', async () => {
  const first = await followHeld()
  await change()
  const second = await follow({ fields: 'version held' })
  next()
  notify()
  await finishHeld()
  await finishHeld()
  await caughtUp([first, second])
  expect([versionsOf(first), versionsOf(second)]).toEqual([
    [1, 2, 3],
    [2, 3],
  ])
})

test('executions of one connection take turns, whatever is sent to others', async () => {
  const pair = await connected()
  const all: Subscriber[] = []
  for (let index = 0; index < 6; index++) {
    all.push(await followHeld({ pair, id: `${index}`, fields: `version held a${index}: version` }))
  }
  await change()
  expect(held).toHaveLength(4)
  held.shift()?.end()
  await settled()
  expect(held).toHaveLength(4)
  while (held.length > 0) await finishHeld()
  await caughtUp(all)
  expect(all.map(versionsOf)).toEqual(all.map(() => [1, 2]))
})

test('an event is executed for others when the connection of the first subscriber has no room', async () => {
  const [first, second] = [await follow(), await follow()]
  const takes = second.takes()
  const outlet = outletOf(first.pair)
  for (let count = 0; count < 4; count++) outlet.enter(() => {})
  await change()
  await caughtUp([first, second])
  expect([versionsOf(second), second.takes()]).toEqual([[1, 2], takes])
  for (let count = 0; count < 4; count++) outlet.leave()
  await settled()
  await first.caughtUp()
  expect(versionsOf(first)).toEqual([1, 2])
})

test('a subscription that executes an earlier state by itself is not overtaken by what is sent to all', async () => {
  const fields = 'version text(length: 300000) held'
  const slow = await followHeld({ fields })
  slow.pair.client.pause()
  while (slow.pair.connection.writableLength === 0) {
    await change()
    await finishHeld()
  }
  await change()
  await finishHeld() // waits behind the one before
  await change() // waits to be read
  expect(held).toHaveLength(0)
  slow.pair.client.resume()
  await expect.poll(() => held.length).toBe(1)
  const { version: early } = state
  const quick = await follow({ fields })
  const [, first] = held
  first?.end()
  await settled()
  await quick.caughtUp()
  await change()
  await finishHeld(early + 1)
  await caughtUp([slow, quick])
  expect(versionsOf(quick)).toEqual([early, early + 1])
  await finishHeld(early)
  await finishHeld()
  await expect.poll(() => versionsOf(slow).at(-1)).toBe(early + 1)
  expect(versionsOf(slow)).toEqual(Array.from({ length: early + 1 }, (_, index) => index + 1))
})

test('a client that has reconnected is sent what is newer than it has, and nothing twice', async () => {
  state = { version: 5, isLast: false }
  const all = [await follow({ after: 5 }), await follow({ after: 4 }), await follow({ after: 5 })]
  await caughtUp(all)
  expect(all.map(versionsOf)).toEqual([[], [5], []])
  notify()
  await settled()
  await change()
  await caughtUp(all)
  expect(all.map(versionsOf)).toEqual([[6], [5, 6], [6]])
})

test('the last state is sent to all, and ends them', async () => {
  const all = [await follow(), await follow()]
  await change()
  await change(true)
  expect(all.map((each) => each.end())).toEqual(['complete', 'complete'])
  await caughtUp(all)
  expect(all.map(versionsOf)).toEqual([
    [1, 2, 3],
    [1, 2, 3],
  ])
  expect(streams.size).toBe(0)
  expect(events.hasListeners('job', 'a')).toBe(false)
})

test('subscriptions that are cut off while they wait end with the error, and get no event after it', async () => {
  const [cut, other] = [await follow(), await follow()]
  const [cutOff] = streams
  cutOff?.()
  await change()
  expect(cut.end()).toContain('cut this subscription off')
  await caughtUp([cut, other])
  expect([versionsOf(cut), versionsOf(other)]).toEqual([[1], [1, 2]])
})

test('an execution that fails for good ends each subscription with the error', async () => {
  const all = [await followHeld(), await followHeld()]
  await change()
  const outage = Object.assign(new Error('unreachable'), { code: 'ECONNREFUSED' })
  held.shift()?.end(outage)
  await clock.asleep()
  clock.advance(60_000)
  await settled()
  held.shift()?.end(outage)
  await settled()
  expect(all.map((each) => each.end())).toEqual(all.map(() => expect.stringContaining('unreachable')))
  expect(streams.size).toBe(0)
})
