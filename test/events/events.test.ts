import { beforeEach, expect, test } from 'vitest'
import { createEvents, type Events, jobEventInterval } from '../../src/events/events.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'

let clock: TestClock
let events: Events
/** What other instances would hear. */
let carried: [topic: string, ids: readonly string[]][]
beforeEach(() => {
  clock = createTestClock()
  events = createEvents(clock)
  carried = []
  events.carryTo((topic, ids) => carried.push([topic, ids]))
})

/** What is heard from now on. */
function collect<Event>(iterable: AsyncIterable<Event>): Event[] {
  const heard: Event[] = []
  const follow = async (): Promise<void> => {
    for await (const event of iterable) heard.push(event)
  }
  void follow()
  return heard
}
const settled = () => new Promise((resolve) => setImmediate(resolve))

test('changes of a job are one event at once, and then one each interval', async () => {
  const heard = collect(events.subscribe('anyJob'))
  for (let change = 0; change < 1_000; change++) events.jobChanged('a')
  await settled()
  expect(heard).toEqual([{ jobId: 'a' }])
  clock.advance(jobEventInterval)
  await settled()
  expect(heard).toHaveLength(2)
  clock.advance(jobEventInterval)
  await settled()
  expect(heard).toHaveLength(2)
})

test('what has a row is carried to other instances, as ids; what is about this instance only is not', () => {
  events.jobChanged('a')
  events.publish('work', 'jobs', {})
  events.publish('work', 'started', {})
  for (const kind of ['deviceJobs', 'settled', 'identities'] as const) events.publish('work', kind, {})
  events.publish('twin', 'd', { deviceId: 'd' })
  events.publish('desiredPatches', [{ deviceId: 'd', version: 2, patch: {} }])
  events.publish('identity', { deviceId: 'd' })
  events.publish('presence', { deviceIds: ['d', 'e'] })
  events.publish('methodAnswer', 'r', { deviceId: 'd', status: 200, payload: '1' })
  events.publish('telemetry', 'd', [])
  expect(carried).toEqual([
    ['job', ['a']],
    ['work', ['jobs']],
    ['work', ['started']],
    ['twin', ['d']],
    ['identity', ['d']],
    ['presence', ['d', 'e']],
  ])
})

test('what another instance carried here is heard here and goes no further', async () => {
  const heard = {
    job: collect(events.subscribe('job', 'a')),
    anyJob: collect(events.subscribe('anyJob')),
    work: collect(events.subscribe('work', 'started')),
    twin: collect(events.subscribe('twin', 'd')),
    twinsElsewhere: collect(events.subscribe('twinsElsewhere')),
    identity: collect(events.subscribe('identity')),
    presence: collect(events.subscribe('presence')),
  }
  events.receive('job', ['a', 'b'])
  events.receive('work', ['started', 'nonsense'])
  events.receive('twin', ['d', 'e'])
  events.receive('identity', ['d', 'e'])
  events.receive('presence', ['d', 'e'])
  await settled()
  expect(heard).toEqual({
    job: [{ jobId: 'a' }],
    anyJob: [{ jobId: 'a' }, { jobId: 'b' }],
    work: [{}],
    twin: [{ deviceId: 'd' }],
    twinsElsewhere: [{ deviceIds: ['d', 'e'] }],
    identity: [{ deviceId: 'd' }, { deviceId: 'e' }],
    presence: [{ deviceIds: ['d', 'e'] }],
  })
  expect(carried).toEqual([])
})

test('after a gap everybody who listens is told to look again', async () => {
  const job = collect(events.subscribe('job', 'a:b'))
  const twin = collect(events.subscribe('twin', 'd'))
  const work = collect(events.subscribe('work', 'jobs'))
  const missed = collect(events.subscribe('missed'))
  await settled()
  events.lookAgain()
  await settled()
  expect({ job, twin, work, missed }).toEqual({
    job: [{ jobId: 'a:b' }],
    twin: [{ deviceId: 'd' }],
    work: [{}],
    missed: [{}],
  })
  expect(carried).toEqual([])
})

test('a listener that leaves is heard of no more', async () => {
  const answers = events.subscribe('telemetry', 'd')[Symbol.asyncIterator]()
  const others = events.subscribe('telemetry', 'd')[Symbol.asyncIterator]()
  expect(events.isHeard('telemetry', 'd')).toBe(false)
  void answers.next()
  void others.next()
  expect(events.isHeard('telemetry', 'd')).toBe(true)
  await answers.return?.()
  expect(events.isHeard('telemetry', 'd')).toBe(true)
  await others.return?.()
  expect(events.isHeard('telemetry', 'd')).toBe(false)
})
