import { beforeEach, expect, test } from 'vitest'
import { createEvents, type Events, jobEventInterval, type Listen } from '../../src/events/events.ts'
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
function collect<Event>(listen: Listen<Event>): Event[] {
  const heard: Event[] = []
  listen((event) => heard.push(event))
  return heard
}
const settled = () => new Promise((resolve) => setImmediate(resolve))

test('changes of a job are one event at once, and then one each interval', async () => {
  const heard = collect(events.listen('anyJob'))
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
  events.publish('work', 'settled', {})
  events.publish('work', 'windows', {})
  for (const kind of ['deviceJobs', 'identities', 'deliveries'] as const) events.publish('work', kind, {})
  events.publish('twin', 'd', { deviceId: 'd' })
  events.publish('desiredPatches', [{ deviceId: 'd', version: 2, patch: {} }])
  events.publish('identity', { deviceId: 'd' })
  events.publish('policies', {})
  events.publish('presence', { deviceIds: ['d', 'e'] })
  events.publish('budgetGroups', { groups: ['a/1'] })
  events.publish('definition', 'jobSchedule', { id: 'nightly' })
  events.publish('methodAnswer', 'r', { deviceId: 'd', requestId: 'r', response: { status: 200, payload: '1' } })
  events.publish('telemetry', 'd', [])
  expect(carried).toEqual([
    ['job', ['a']],
    ['work', ['jobs']],
    ['work', ['started']],
    ['work', ['settled']],
    ['work', ['windows']],
    ['twin', ['d']],
    ['identity', ['d']],
    ['policies', []],
    ['presence', ['d', 'e']],
    ['budgetGroups', ['a/1']],
    ['definition', ['jobSchedule:nightly']],
  ])
})

test('what another instance carried here is heard here and goes no further', async () => {
  const heard = {
    job: collect(events.listen('job', 'a')),
    anyJob: collect(events.listen('anyJob')),
    work: collect(events.listen('work', 'started')),
    twin: collect(events.listen('twin', 'd')),
    twinsElsewhere: collect(events.listen('twinsElsewhere')),
    identity: collect(events.listen('identity')),
    policies: collect(events.listen('policies')),
    presence: collect(events.listen('presence')),
    definition: collect(events.listen('definition', 'deviceGroup')),
  }
  events.receive('job', ['a', 'b'])
  events.receive('work', ['started', 'nonsense'])
  events.receive('twin', ['d', 'e'])
  events.receive('identity', ['d', 'e'])
  events.receive('policies', [])
  events.receive('presence', ['d', 'e'])
  events.receive('definition', ['deviceGroup:pumps', 'jobTemplate:pumps', 'nonsense'])
  await settled()
  expect(heard).toEqual({
    job: [{ jobId: 'a' }],
    anyJob: [{ jobId: 'a' }, { jobId: 'b' }],
    work: [{}],
    twin: [{ deviceId: 'd' }],
    twinsElsewhere: [{ deviceIds: ['d', 'e'] }],
    identity: [{ deviceId: 'd' }, { deviceId: 'e' }],
    policies: [{}],
    presence: [{ deviceIds: ['d', 'e'] }],
    definition: [{ id: 'pumps' }],
  })
  expect(carried).toEqual([])
})

test('after a gap everybody who listens is told to look again', async () => {
  const job = collect(events.listen('job', 'a:b'))
  const twin = collect(events.listen('twin', 'd'))
  const work = collect(events.listen('work', 'jobs'))
  const missed = collect(events.listen('missed'))
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

test('a listener that leaves is heard of no more', () => {
  expect(events.hasListeners('telemetry', 'd')).toBe(false)
  const stopOne = events.listen('telemetry', 'd')(() => {})
  const stopOther = events.listen('telemetry', 'd')(() => {})
  expect(events.hasListeners('telemetry', 'd')).toBe(true)
  stopOne()
  expect(events.hasListeners('telemetry', 'd')).toBe(true)
  stopOther()
  expect(events.hasListeners('telemetry', 'd')).toBe(false)
})
