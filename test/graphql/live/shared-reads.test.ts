import { expect, test } from 'vitest'
import { createEvents } from '../../../src/events/events.ts'
import { sharedReads } from '../../../src/graphql/live/shared-reads.ts'
import { createTestClock } from '../../support/clock.ts'

const context = { group: {}, signal: new AbortController().signal, deps: { clock: createTestClock() } }
/** Reads that end when they are told to. */
const heldReads = () => {
  const held: ((value: number) => void)[] = []
  const read = () =>
    new Promise<number>((resolve) => {
      held.push(resolve)
    })
  return { held, read }
}
const settled = () => new Promise((resolve) => setImmediate(resolve))

test('a first read begins after it was asked for, and serves all who ask before it begins', async () => {
  const reads = sharedReads<number>()
  const { held, read } = heldReads()
  const early = [reads.first(context, read), reads.first(context, read)]
  await settled()
  const late = [reads.first(context, read), reads.first(context, read)]
  await settled()
  expect(held).toHaveLength(1)
  held[0]?.(1)
  expect(await Promise.all(early)).toEqual([1, 1])
  await settled()
  expect(held).toHaveLength(2)
  held[1]?.(2)
  expect(await Promise.all(late)).toEqual([2, 2])
})

test('a first read that fails is heard of by those who asked for it, and by nobody after them', async () => {
  const reads = sharedReads<number>()
  await expect(reads.first(context, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  expect(await reads.first(context, async () => 1)).toBe(1)
})

test('an event is read once in a group, and apart in another', async () => {
  const reads = sharedReads<object>()
  const event = {}
  const [one, two, other] = await Promise.all([
    reads.after(context, event, async () => ({})),
    reads.after(context, event, async () => ({})),
    reads.after({ ...context, group: {} }, event, async () => ({})),
  ])
  expect(two).toBe(one)
  expect(other).not.toBe(one)
  // One who still holds an event gets what was read for it, after others have been read.
  await reads.after(context, {}, async () => ({}))
  expect(await reads.after(context, event, async () => ({}))).toBe(one)
})

test('changes during a read are one, and where nobody waits nothing is read', async () => {
  const events = createEvents(createTestClock())
  const reads = sharedReads<number>()
  const { held, read } = heldReads()
  const log: string[] = []
  let waits = true
  const follower = {
    shown: 0,
    wire: undefined,
    messageOf: async () => undefined,
    waits: () => waits,
    changed: (key: string) => log.push(`${key} changed`),
    found: (key: string, _event: object, what: number) => log.push(`${key} found ${what}`),
    failed: () => {},
  }
  const changes = { listen: events.listen('anyJob'), keyOf: ({ jobId }: { jobId: string }) => jobId, find: read }
  const leave = [reads.follow(context, changes, follower), reads.follow(context, changes, { ...follower })]
  for (const jobId of ['a', 'a', 'a', 'b']) events.publish('anyJob', { jobId })
  for (let turn = 0; turn < 4; turn++) {
    held[turn]?.(turn)
    await settled()
  }
  expect(held).toHaveLength(3)
  expect(log).toEqual(['a found 0', 'a found 0', 'a found 1', 'a found 1', 'b found 2', 'b found 2'])
  waits = false
  log.length = 0
  events.publish('anyJob', { jobId: 'a' })
  await settled()
  expect(held).toHaveLength(3)
  expect(log).toEqual(['a changed', 'a changed'])
  for (const one of leave) one()
  events.publish('anyJob', { jobId: 'a' })
  expect(log).toHaveLength(2)
})

test('while sending takes much of the time of a busy hub, states are sent less often, and always the last', async () => {
  const clock = createTestClock()
  let isBusy = true
  let begun = clock.elapsed()
  const busy = { ...clock, worked: () => (isBusy ? clock.elapsed() : begun) }
  const events = createEvents(clock)
  const reads = sharedReads<number>()
  const found: number[] = []
  let version = 0
  const follower = {
    shown: 0,
    wire: undefined,
    messageOf: async () => undefined,
    waits: () => true,
    changed: () => {},
    found: (_key: string, _event: object, what: number) => {
      found.push(what)
      clock.advance(20)
    },
    failed: () => {},
  }
  const changes = { listen: events.listen('anyJob'), keyOf: () => '', find: async () => version, isPaced: true }
  const leave = reads.follow({ ...context, deps: { clock: busy } }, changes, follower)
  /** The states that are sent when there are so many in two seconds. */
  const sentOf = async (states: number) => {
    found.length = 0
    for (let state = 0; state < states; state++) {
      version++
      events.publish('anyJob', { jobId: 'a' })
      await settled()
      clock.advance(2_000 / states)
      await settled()
    }
    return found.length
  }
  expect(await sentOf(20)).toBeGreaterThan(8)
  const paced = await sentOf(20)
  expect(paced).toBeGreaterThanOrEqual(4)
  expect(paced).toBeLessThanOrEqual(7)
  clock.advance(500)
  await settled()
  expect(found.at(-1)).toBe(version)

  // Sending alone may take as long as it likes.
  begun = clock.elapsed()
  isBusy = false
  await sentOf(20)
  expect(await sentOf(20)).toBe(20)
  leave()
})
