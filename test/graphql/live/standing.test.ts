import {
  type ExecutionResult,
  type GraphQLError,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  parse,
} from 'graphql'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import type { Right } from '../../../src/access/rights.ts'
import type { Viewer } from '../../../src/access/viewer.ts'
import type { Context } from '../../../src/graphql/context.ts'
import { createSharedSubscribe } from '../../../src/graphql/live/shared-subscribe.ts'
import { createSource, isSource, type Sink } from '../../../src/graphql/live/source.ts'
import { createStanding, inTurns, lossOf, standingByRights } from '../../../src/graphql/live/standing.ts'
import { schema } from '../../../src/graphql/schema.ts'
import { createDocuments } from '../../../src/graphql/transport/documents.ts'
import { createMask } from '../../../src/graphql/transport/mask-errors.ts'
import { AnswerBudget } from '../../../src/limits/answer-budget.ts'
import { scopeOf } from '../../../src/query/scope.ts'
import { everything } from '../../../src/scope.ts'
import { createTestClock } from '../../support/clock.ts'
import { personWith } from '../door.ts'

const north = "tags.site = 'north'"
const south = "tags.site = 'south'"
const reader: readonly Right[] = ['readDevices', 'readTwins', 'readJobs']
const person = (rights: readonly Right[], ...parts: string[]): Viewer =>
  personWith({ rights, scope: parts.length === 0 ? everything : scopeOf(parts) })

const dependent = (text: string, viewer: Viewer, end: (error: GraphQLError) => void = () => {}, variables = {}) => ({
  operation: { schema, document: parse(text), operationName: null, variableValues: variables },
  viewer,
  end,
})
const presence = 'subscription { devicePresenceChanged { deletedDeviceIds } }'
const twins = 'subscription { devicePresenceChanged(queryCondition: "a = 1") { deletedDeviceIds } }'
const withKeys = `subscription { devicePresenceChanged { devices { authentication { symmetricKey { primaryKey } } } } }`
const withJobs = `subscription ($jobs: Boolean!) {
  devicePresenceChanged { devices { deviceJobs(first: 1) @include(if: $jobs) { totalCount } } }
}`

test.each<[string, string, Viewer, Viewer, object | undefined]>([
  ['the same rights', twins, person(reader), person(reader), undefined],
  ['more rights', presence, person(['readDevices']), person(reader), undefined],
  ['without a right that it does not need', presence, person(reader), person(['readDevices']), undefined],
  ['without one of two rights, either of which is enough', presence, person(reader), person(['readTwins']), undefined],
  ['without a right that it needs', twins, person(reader), person(['readDevices', 'readJobs']), { right: 'readTwins' }],
  ['without any right', presence, person(reader), person([]), { right: 'readDevices' }],
  ['a wider scope', presence, person(reader, north), person(reader, north, south), undefined],
  ['a scope of all devices', presence, person(reader, north), person(reader), undefined],
  ['a narrower scope', presence, person(reader, north, south), person(reader, north), { scope: north }],
  ['another scope', presence, person(reader, north), person(reader, south), { scope: south }],
  ['a scope for the first time', presence, person(reader), person(reader, north), { scope: north }],
])('a subscription with %s now', (_now, text, before, now, missing) => {
  const loss = lossOf(dependent(text, before), now)
  expect(loss?.extensions).toEqual(missing && { code: 'FORBIDDEN', missing })
})

test('a right that the viewer never had is not lost', () => {
  const before = person(['readDevices', 'readJobs'])
  expect(lossOf(dependent(withKeys, before), person(['readDevices']))).toBeUndefined()
  expect(lossOf(dependent(withKeys, person([...reader, 'readKeys'])), person(reader))?.extensions.missing).toEqual({
    right: 'readKeys',
  })
})

test('only what the variables select is needed', () => {
  const [before, now] = [person(reader), person(['readDevices'])]
  const loss = (jobs: boolean) => lossOf(dependent(withJobs, before, undefined, { jobs }), now)?.extensions.missing
  expect([loss(false), loss(true), loss(false)]).toEqual([undefined, { right: 'readJobs' }, undefined])
})

test('each loss ends what depends on it, once, and what began before a loss was known is ended at once', () => {
  const standing = createStanding()
  const ended: string[] = []
  const enter = (name: string, text: string) =>
    standing.enter(dependent(text, person(reader), ({ message }) => ended.push(`${name}: ${message}`)))
  enter('presence', presence)
  enter('twins', twins)
  enter('left', twins)()
  const message = 'Your roles (tester) do not grant access to this subscription. It requires the right'
  standing.review(person(['readDevices']))
  expect(ended).toEqual([`twins: ${message} readTwins.`])
  enter('late', twins)
  standing.review(person([]))
  expect(ended.slice(1)).toEqual([`late: ${message} readTwins.`, `presence: ${message} readDevices or readTwins.`])
})

test('what a viewer may do over HTTP changes with the roles, also while a subscription begins', () => {
  let now = person(reader)
  const listeners = new Set<() => void>()
  const standing = standingByRights(createTestClock(), {
    refresh: () => now,
    onRightsChanged(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  })
  const ended: string[] = []
  const enter = (name: string) => standing.enter(dependent(twins, person(reader), () => ended.push(name)))
  const leave = enter('left')
  enter('open')
  leave()
  now = person([])
  for (const listener of listeners) listener()
  expect(ended).toEqual(['open'])
  enter('late')
  expect(ended).toEqual(['open', 'late'])
  standing.close()
  expect(listeners.size).toBe(0)
})

test('when roles change for very many, others have their turn meanwhile', async () => {
  let turns = 0
  const clock = createTestClock()
  const giveWay = (): Promise<void> => {
    turns++
    return clock.giveWay()
  }
  const reviewed: number[] = []
  const all = Array.from({ length: 1_000 }, (_value, index) => index)
  await inTurns({ ...clock, giveWay }, all, (index) => reviewed.push(index))
  expect([reviewed, turns]).toEqual([all, 9])
})

/** A subscription to rows that the test gives, each of which is executed when the test says so. */
async function open(first: Promise<void> = Promise.resolve()) {
  let taker: Sink<object> | undefined
  let isOver = false
  let execute = (): void => {}
  const executed = new Promise<void>((resolve) => {
    execute = resolve
  })
  const row = {
    extensions: { pothosOptions: { authScopes: { right: 'readTwins' } } },
    type: GraphQLString,
    async subscribe() {
      await first
      return createSource<object>(
        (sink) => {
          if (isOver) sink.done()
          else taker = sink
        },
        () => {
          isOver = true
          taker?.done()
          taker = undefined
        },
      )
    },
    resolve: () => executed.then(() => 'secret'),
  }
  const own = new GraphQLSchema({
    query: new GraphQLObjectType({ name: 'Query', fields: { nothing: { type: GraphQLString } } }),
    subscription: new GraphQLObjectType<object, Context>({ name: 'Subscription', fields: { row } }),
  })
  const standing = createStanding()
  const subscribe = createSharedSubscribe(createDocuments(own).execute, createMask(pino({ level: 'silent' })))
  const results = subscribe({
    schema: own,
    document: parse('subscription { row }'),
    contextValue: {
      viewer: person(reader),
      standing,
      group: {},
      answer: new AnswerBudget(1),
      signal: new AbortController().signal,
    },
  }).then((all) => (isSource(all) ? all : expect.fail(JSON.stringify(all))))
  return {
    results,
    lose: () => standing.review(person([])),
    give(value: object) {
      const sink = taker
      taker = undefined
      sink?.next(value)
    },
    execute,
  }
}
const forbidden = {
  errors: [expect.objectContaining({ extensions: { code: 'FORBIDDEN', missing: { right: 'readTwins' } } })],
}
async function expectEnd(results: AsyncIterator<ExecutionResult>, next = results.next()): Promise<void> {
  expect(await next).toEqual({ done: false, value: forbidden })
  expect(await results.next()).toEqual({ done: true, value: undefined })
}

test('a subscription that waits for a row ends with the error at once', async () => {
  const { results, lose } = await open()
  const source = await results
  const next = source.next()
  lose()
  await expectEnd(source, next)
})

test('a subscription that nobody reads ends with the error when it is read', async () => {
  const { results, lose } = await open()
  const source = await results
  lose()
  await expectEnd(source)
})

test('a result that was being executed is not sent any more', async () => {
  const { results, lose, give, execute } = await open()
  const source = await results
  const next = source.next()
  give({})
  lose()
  execute()
  await expectEnd(source, next)
})

test('a subscription that loses what it needs while it begins ends with the error', async () => {
  let begin = (): void => {}
  const { results, lose } = await open(
    new Promise((resolve) => {
      begin = resolve
    }),
  )
  lose()
  begin()
  await expectEnd(await results)
})
