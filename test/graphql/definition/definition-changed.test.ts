import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { rights } from '../../../src/access/rights.ts'
import { deleteDeviceGroup, saveDeviceGroup } from '../../../src/device-group/commands.ts'
import { createJobSchedule, deleteJobSchedule, pauseJobSchedule } from '../../../src/job-schedule/commands.ts'
import { createJobTemplate, deleteJobTemplate, updateJobTemplate } from '../../../src/job-template/commands.ts'
import { scopeOf } from '../../../src/query/scope.ts'
import { runSchedules } from '../../../src/scheduler/run-schedules.ts'
import { everything } from '../../../src/scope.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { openDoor, owner, personWith, type TestDoor } from '../door.ts'
import { type OpenPort, openPort, until } from '../transport/sockets.ts'

const north = personWith({ rights, scope: scopeOf(["tags.site = 'north'"]) })

let clock: TestClock
let door: TestDoor
let port: OpenPort
beforeAll(async () => {
  clock = createTestClock(new Date('2026-03-28T12:00:00Z'))
  door = await openDoor({ clock, authenticate: async (name) => (name === 'north' ? north : owner) })
})
afterAll(() => door.close())
beforeEach(async () => {
  port = await openPort(door)
})
afterEach(async () => {
  await port.close()
  await until(() => door.server.openStreams() === 0)
})

const query = `subscription ($kind: DefinitionKind!) {
  definitionChanged(kind: $kind) {
    definitions {
      __typename
      ... on JobTemplate { templateId queryCondition }
      ... on JobSchedule { scheduleId status runs { outcome } }
      ... on DeviceGroup { name description }
    }
    deletedIds
    initial
  }
}`

type Update = {
  readonly definitions: readonly Readonly<Record<string, unknown>>[]
  readonly deletedIds: readonly string[]
  readonly initial: boolean
}

/** Subscribes. Each call waits for the next update, or fails. */
function watch(kind: string, authorization = 'owner') {
  const results = port.client({ authorization }).iterate<{ definitionChanged: Update }>({ query, variables: { kind } })
  return async (): Promise<Update> => {
    const { value } = await results.next()
    if (value.errors) throw new Error(JSON.stringify(value.errors))
    return value.data.definitionChanged
  }
}

const all = (...definitions: object[]) => ({ definitions, deletedIds: [], initial: true })
const changed = (definition: object) => ({ definitions: [definition], deletedIds: [], initial: false })
const deleted = (type: string, id: string) => ({
  definitions: [],
  deletedIds: [Buffer.from(`${type}:${id}`).toString('base64url')],
  initial: false,
})
const reboot = { queryCondition: '*', cloudToDeviceMethod: { methodName: 'reboot' } }

test('it sends each template that is created, changed or deleted, and none of another kind', async () => {
  const next = watch('JOB_TEMPLATE')
  expect(await next()).toEqual(all())
  await saveDeviceGroup(door.deps, owner, { name: 'pumps', queryCondition: '*' })
  await createJobTemplate(door.deps, owner, { templateId: 'reboot', ...reboot })
  const template = { __typename: 'JobTemplate', templateId: 'reboot', queryCondition: '*' }
  expect(await next()).toEqual(changed(template))
  await updateJobTemplate(door.deps, owner, 'reboot', { queryCondition: 'tags.a = 1' })
  expect(await next()).toEqual(changed({ ...template, queryCondition: 'tags.a = 1' }))
  await deleteJobTemplate(door.deps, 'reboot')
  expect(await next()).toEqual(deleted('JobTemplate', 'reboot'))
})

test('it sends a schedule when it is created, when it has run, when it is paused, and when it is deleted', async () => {
  await createJobTemplate(door.deps, owner, { templateId: 'reboot', ...reboot })
  const next = watch('JOB_SCHEDULE')
  expect(await next()).toEqual(all())
  const recurrence = { cron: '0 * * * *', timeZone: 'UTC', onMissed: 'skip', onOverlap: 'skip' } as const
  const author = { ...owner, kind: 'policy', roles: [] } as const
  await createJobSchedule(door.deps, author, { scheduleId: 'hourly', templateId: 'reboot', ...recurrence })
  const schedule = { __typename: 'JobSchedule', scheduleId: 'hourly', status: 'ACTIVE' }
  expect(await next()).toEqual(changed({ ...schedule, runs: [] }))
  clock.advance(3_600_000)
  await runSchedules(door.deps, async () => ({ mayWriteJobs: true, scope: everything })).run(clock.now())
  const ran = { ...schedule, runs: [{ outcome: 'SCHEDULED' }] }
  expect(await next()).toEqual(changed(ran))
  await pauseJobSchedule(door.deps, author, 'hourly')
  expect(await next()).toEqual(changed({ ...ran, status: 'PAUSED' }))
  await deleteJobSchedule(door.deps, author, 'hourly')
  expect(await next()).toEqual(deleted('JobSchedule', 'hourly'))
})

test('it sends a device group that is saved or deleted, also to a viewer with a scope', async () => {
  const [next, scoped] = [watch('DEVICE_GROUP'), watch('DEVICE_GROUP', 'north')]
  const group = { __typename: 'DeviceGroup', name: 'pumps', description: null }
  for (const each of [next, scoped]) expect(await each()).toEqual(all(group))
  await saveDeviceGroup(door.deps, owner, { name: 'pumps', queryCondition: '*', description: 'All of them' })
  for (const each of [next, scoped]) expect(await each()).toEqual(changed({ ...group, description: 'All of them' }))
  await deleteDeviceGroup(door.deps, 'pumps')
  for (const each of [next, scoped]) expect(await each()).toEqual(deleted('DeviceGroup', 'pumps'))
})

test('it begins with all of them in batches, the last of which is not full, and begins anew after a gap', async () => {
  await door.deps.database.pool.query(
    `insert into device_group (name, query_condition, etag_version, created_time, updated_time, updated_by)
     select to_char(n, 'fm000'), '*', 1, now(), now(), 'tester' from generate_series(1, 100) n`,
  )
  const next = watch('DEVICE_GROUP')
  const beginning = async () => {
    const { definitions, initial } = await next()
    expect(initial).toBe(true)
    expect(definitions.map(({ name }) => name)).toEqual(
      Array.from({ length: 100 }, (_, index) => String(index + 1).padStart(3, '0')),
    )
    expect(await next()).toEqual(all())
  }
  await beginning()
  door.deps.events.publish('missed', {})
  await beginning()
})
