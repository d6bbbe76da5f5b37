import { beforeEach, expect, test } from 'vitest'
import { expiryToleranceInSeconds } from '../../../src/access/sas.ts'
import { createEvents, type Events } from '../../../src/events/events.ts'
import { type LiveContext, type PacedRows, pacedRows, sharedPacedRows } from '../../../src/graphql/live/paced-rows.ts'
import { sharedReads } from '../../../src/graphql/live/shared-reads.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { owner } from '../door.ts'

let clock: TestClock
let events: Events
let context: LiveContext
let group: object
beforeEach(() => {
  group = {}
  clock = createTestClock()
  events = createEvents(clock)
  context = { deps: { clock }, viewer: owner, streams: new Set() }
})

const change = () => events.publish('job', 'a', { jobId: 'a' })
const keyOf = ({ jobId }: { jobId: string }) => jobId
/** The rows of a subscription to the job. */
const open = <Row>(changes: Omit<PacedRows<{ jobId: string }, Row>, 'keyOf'>) =>
  pacedRows(context, events.listen('job', 'a'), { keyOf, ...changes })
/** Lets everything happen that can. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

test('a change that comes while the first row is read is shown after it', async () => {
  const rows = await open({
    first: async () => {
      change()
      return ['first']
    },
    read: async () => ['second'],
  })
  expect(await rows.next()).toEqual({ done: false, value: 'first' })
  expect(await rows.next()).toEqual({ done: false, value: 'second' })
})

test('a client that is slow gets one row for many changes, read when it asks', async () => {
  let version = 0
  let reads = 0
  const rows = await open({
    read: async () => {
      reads++
      return [version]
    },
  })
  for (version = 1; version <= 1000; version++) change()
  await settled()
  expect(reads).toBe(0)
  expect(await rows.next()).toEqual({ done: false, value: 1001 })
  void rows.next()
  await settled()
  expect(reads).toBe(1)
})

test('things that changed are shown once each, in the order in which they first did', async () => {
  const rows = await pacedRows(context, events.listen('anyJob'), { keyOf, read: async (jobId) => [jobId] })
  for (const jobId of ['b', 'a', 'b', 'a', 'c']) events.publish('anyJob', { jobId })
  await settled()
  expect([await rows.next(), await rows.next(), await rows.next()].map(({ value }) => value)).toEqual(['b', 'a', 'c'])
})

test('what has nothing to show is passed over, and what is gone ends the rows', async () => {
  const results = [[], ['row'], null]
  const rows = await open({ read: async () => results.shift() ?? null })
  change()
  const next = rows.next()
  await settled()
  change()
  expect(await next).toEqual({ done: false, value: 'row' })
  change()
  expect(await rows.next()).toEqual({ done: true, value: undefined })
  expect(context.streams.size).toBe(0)
})

test('leaving ends a wait at once', async () => {
  const rows = await open({ read: async () => ['row'] })
  const next = rows.next()
  await rows.return?.()
  expect(await next).toEqual({ done: true, value: undefined })
  expect(context.streams.size).toBe(0)
  change()
  expect(await rows.next()).toEqual({ done: true, value: undefined })
})

test('leaving before the first row was taken leaves nothing behind', async () => {
  const rows = await open({ first: async () => ['first', 'second'], read: async () => ['row'] })
  await rows.return?.()
  expect(context.streams.size).toBe(0)
})

test.each(['first', 'read'] as const)('an error in %s ends the rows', async (where) => {
  const fail = async () => {
    throw new Error('broken')
  }
  const rows = open({ ...(where === 'first' && { first: fail }), read: fail })
  if (where === 'first') await expect(rows).rejects.toThrow('broken')
  else {
    const next = (await rows).next()
    change()
    await expect(next).rejects.toThrow('broken')
  }
  expect(context.streams.size).toBe(0)
})

test('the end of the credential cuts the rows off', async () => {
  const expiry = clock.now().getTime() / 1000 + 60
  const rows = await pacedRows({ ...context, viewer: { ...owner, expiry } }, events.listen('job', 'a'), {
    keyOf,
    read: async () => ['row'],
  })
  const next = rows.next()
  clock.advance((60 + expiryToleranceInSeconds) * 1000 - 1)
  change()
  expect(await next).toEqual({ done: false, value: 'row' })
  const last = rows.next()
  await settled()
  clock.advance(1)
  await expect(last).rejects.toThrow('cut this subscription off')
  expect(context.streams.size).toBe(0)
})

test('who was busy when the rows were cut off hears of it next, and not of an end', async () => {
  const rows = await open({ read: async () => ['row'] })
  for (const cutOff of context.streams) cutOff()
  await expect(rows.next()).rejects.toThrow('cut this subscription off')
})

const shared = sharedReads<number>()
/** The rows of those who ask the same thing about the job; `found` is what there is to be shown. */
const openShared = (
  changes: Omit<PacedRows<{ jobId: string }, number>, 'keyOf' | 'read'> & { find: () => Promise<number> },
) =>
  sharedPacedRows({ ...context, group, signal: new AbortController().signal }, events.listen('job', 'a'), {
    ...changes,
    keyOf,
    reads: shared,
    show: (found) => [found],
  })

test('a change that others read while the first row is read is shown after it, too', async () => {
  const find = async () => 2
  const waiting = await openShared({ find })
  const next = waiting.next()
  const coming = await openShared({
    find,
    first: async () => {
      change()
      await next
      return [1]
    },
  })
  expect(await next).toEqual({ done: false, value: 2 })
  expect(await coming.next()).toEqual({ done: false, value: 1 })
  expect(await coming.next()).toEqual({ done: false, value: 2 })
})

test('what others read replaces no rows that were not taken yet', async () => {
  const find = async () => 3
  const waiting = await openShared({ find })
  const slow = await openShared({ find, first: async () => [1, 2] })
  expect(await slow.next()).toEqual({ done: false, value: 1 })
  const next = waiting.next()
  change()
  await next
  expect(await slow.next()).toEqual({ done: false, value: 2 })
  expect(await slow.next()).toEqual({ done: false, value: 3 })
})

test('who was busy when a shared read failed hears of it next, and not of an end', async () => {
  const find = async () => {
    throw new Error('broken')
  }
  const [waiting, busy] = [await openShared({ find }), await openShared({ find })]
  const next = waiting.next()
  change()
  await expect(next).rejects.toThrow('broken')
  await expect(busy.next()).rejects.toThrow('broken')
})

test('nobody listens for who has left, alone or with others', async () => {
  const all = [await open({ read: async () => ['row'] }), await openShared({ find: async () => 1 })]
  expect(events.hasListeners('job', 'a')).toBe(true)
  for (const rows of all) await rows.return()
  expect(events.hasListeners('job', 'a')).toBe(false)
})

test('the rows to begin with come before changes, and null instead of them is the end', async () => {
  const rows = await open({ first: async () => [1, 2], read: async () => [3] })
  change()
  expect([await rows.next(), await rows.next(), await rows.next()].map(({ value }) => value)).toEqual([1, 2, 3])
  const over = await open({ first: async () => null, read: async () => [1] })
  expect(await over.next()).toEqual({ done: true, value: undefined })
  await rows.return?.()
  expect(context.streams.size).toBe(0)
})

test('a row that is a part is followed by the next part, without an event', async () => {
  const parts = [[1, 2], [3], []]
  const rows = await open({
    read: async () => parts.shift() ?? null,
    again: (part) => (part === 2 || part === 3 ? 'a' : undefined),
  })
  change()
  expect([await rows.next(), await rows.next(), await rows.next()].map(({ value }) => value)).toEqual([1, 2, 3])
  const next = rows.next()
  await settled()
  change()
  expect(await next).toEqual({ done: true, value: undefined })
})

test('rows that were read and not taken are gone when the rows end', async () => {
  const rows = await open({ read: async () => [1, 2, 3] })
  change()
  expect(await rows.next()).toEqual({ done: false, value: 1 })
  for (const cutOff of context.streams) cutOff()
  await expect(rows.next()).rejects.toThrow('cut this subscription off')
})

test('more events at once than a queue would take are one row', async () => {
  const rows = await open({ read: async () => ['row'] })
  for (let count = 0; count < 5000; count++) change()
  expect(await rows.next()).toEqual({ done: false, value: 'row' })
})
