import { afterAll, beforeAll, expect, test } from 'vitest'
import { rights } from '../../../src/access/rights.ts'
import type { Viewer } from '../../../src/access/viewer.ts'
import { createDevices } from '../../../src/device/commands.ts'
import { scopeOf } from '../../../src/query/scope.ts'
import { everything } from '../../../src/scope.ts'
import { givenDevicesForSlowCondition, slowCondition } from '../../support/slow-condition.ts'
import { openDoor, owner, personWith, type TestDoor } from '../door.ts'
import { start } from '../facts.ts'
import { openPort } from '../transport/sockets.ts'

let door: TestDoor
const scoped = personWith({ rights, scope: scopeOf(["tags.site = 'north'"]) })
const jobsOnly = personWith({ rights: ['readJobs'] })
const viewers: Readonly<Record<string, Viewer>> = { scoped, jobsOnly }
beforeAll(async () => {
  door = await openDoor({
    limits: { deviceGroups: 5 },
    authenticate: async (name = 'owner') => viewers[name] ?? owner,
  })
  await createDevices(door.deps, everything, [
    { deviceId: 'pump-1', twin: { tags: { site: 'north', kind: 'pump' } } },
    { deviceId: 'pump-2', twin: { tags: { site: 'south', kind: 'pump' } } },
    { deviceId: 'valve-1', twin: { tags: { site: 'north', kind: 'valve' } } },
  ])
})
afterAll(() => door.close())

const save = `mutation ($input: SaveDeviceGroupInput!) {
  saveDeviceGroup(input: $input) {
    ... on SaveDeviceGroupPayload { deviceGroup { id name queryCondition description deviceCount etag updatedBy } }
    ... on Error { code message }
    ... on InvalidInputError { path }
    ... on QueryConditionError { line column }
  }
}`
type Group = { readonly id: string; readonly name: string; readonly etag: string }

async function saved(input: Readonly<Record<string, unknown>>): Promise<Group> {
  const { data } = await door.ask(save, { input })
  return (data.saveDeviceGroup as { readonly deviceGroup: Group }).deviceGroup
}

const remove = `mutation ($input: DeleteDeviceGroupInput!) {
  deleteDeviceGroup(input: $input) { ... on DeleteDeviceGroupPayload { id name } ... on Error { code } }
}`

test('a group is created, replaced under its etag, counted, listed and deleted', async () => {
  const created = await saved({ name: 'pumps', queryCondition: "tags.kind = 'pump'", description: 'All pumps' })
  expect(created).toEqual({
    id: expect.any(String),
    name: 'pumps',
    queryCondition: "tags.kind = 'pump'",
    description: 'All pumps',
    deviceCount: 2,
    etag: expect.any(String),
    updatedBy: owner.name,
  })
  const replaced = await saved({ name: 'pumps', queryCondition: "deviceId = 'pump-1'", ifMatch: created.etag })
  expect(replaced).toMatchObject({ id: created.id, deviceCount: 1, description: null })
  const outdated = await door.ask(save, { input: { name: 'pumps', queryCondition: '*', ifMatch: created.etag } })
  expect(outdated.data.saveDeviceGroup).toMatchObject({ code: 'PRECONDITION_FAILED' })
  const unknown = await door.ask(save, { input: { name: 'nothing', queryCondition: '*', ifMatch: '*' } })
  expect(unknown.data.saveDeviceGroup).toMatchObject({ code: 'NOT_FOUND' })

  await saved({ name: 'all', queryCondition: '*' })
  const query = `query ($id: ID!) {
    deviceGroups(first: 1) { nodes { name } pageInfo { hasNextPage endCursor } }
    deviceGroup(name: "pumps") { queryCondition }
    node(id: $id) { ... on DeviceGroup { name } }
  }`
  const { data } = await door.ask(query, { id: created.id })
  expect(data).toEqual({
    deviceGroups: { nodes: [{ name: 'all' }], pageInfo: { hasNextPage: true, endCursor: expect.any(String) } },
    deviceGroup: { queryCondition: "deviceId = 'pump-1'" },
    node: { name: 'pumps' },
  })
  const next = 'query ($after: String) { deviceGroups(first: 5, after: $after) { nodes { name } } }'
  const { endCursor } = (data.deviceGroups as { readonly pageInfo: { readonly endCursor: string } }).pageInfo
  expect((await door.ask(next, { after: endCursor })).data).toEqual({ deviceGroups: { nodes: [{ name: 'pumps' }] } })

  const held = await door.ask(remove, { input: { name: 'pumps', ifMatch: created.etag } })
  expect(held.data.deleteDeviceGroup).toEqual({ code: 'PRECONDITION_FAILED' })
  for (const name of ['pumps', 'all']) {
    const { data: deleted } = await door.ask(remove, { input: { name } })
    expect(deleted.deleteDeviceGroup).toMatchObject({ name })
  }
  expect((await door.ask(remove, { input: { name: 'pumps' } })).data.deleteDeviceGroup).toEqual({ code: 'NOT_FOUND' })
})

test('an etag of a deleted group does not match the next one of its name', async () => {
  const { etag } = await saved({ name: 'again', queryCondition: '*' })
  await door.ask(remove, { input: { name: 'again' } })
  await saved({ name: 'again', queryCondition: '*' })
  const { data } = await door.ask(remove, { input: { name: 'again', ifMatch: etag } })
  expect(data.deleteDeviceGroup).toEqual({ code: 'PRECONDITION_FAILED' })
  await door.ask(remove, { input: { name: 'again' } })
})

test.each([
  ['a name with a quote', { name: "no'rth", queryCondition: '*' }, { code: 'INVALID_INPUT', path: ['name'] }],
  ['no name', { name: '', queryCondition: '*' }, { code: 'INVALID_INPUT', path: ['name'] }],
  ['a long description', { name: 'a', queryCondition: '*', description: 'x'.repeat(2001) }, { path: ['description'] }],
  ['a condition that does not parse', { name: 'a', queryCondition: 'tags.a =' }, { line: 1, column: 9 }],
  ['a group in a group', { name: 'a', queryCondition: "group('a')" }, { code: 'QUERY_CONDITION', line: 1, column: 1 }],
])('%s is refused, and nothing is saved', async (_what, input, error) => {
  const { data } = await door.ask(save, { input })
  expect(data.saveDeviceGroup).toMatchObject(error)
  expect(await door.deps.db.prisma.deviceGroup.count()).toBe(0)
})

test('more groups than allowed are refused, and one of them can still be replaced', async () => {
  for (let number = 1; number <= 5; number++) await saved({ name: `group-${number}`, queryCondition: '*' })
  const { data } = await door.ask(save, { input: { name: 'group-6', queryCondition: '*' } })
  expect(data.saveDeviceGroup).toMatchObject({ code: 'CONFLICT' })
  expect(await saved({ name: 'group-5', queryCondition: "deviceId = 'pump-1'" })).toMatchObject({ deviceCount: 1 })
  for (let number = 1; number <= 5; number++) await door.ask(remove, { input: { name: `group-${number}` } })
})

test('every condition over GraphQL can name groups, and a job keeps the conditions that they had', async () => {
  await saved({ name: 'pumps', queryCondition: "tags.kind = 'pump'" })
  const condition = "group('pumps') AND tags.site = 'north'"
  const list = `query ($condition: String) { devices(queryCondition: $condition, first: 9) { totalCount nodes { deviceId } } }`
  expect((await door.ask(list, { condition })).data).toEqual({
    devices: { totalCount: 1, nodes: [{ deviceId: 'pump-1' }] },
  })
  const preview = `query ($input: PreviewJobInput!) {
    previewJob(input: $input) { ... on JobPreview { deviceCount { value } } ... on Error { code message } }
  }`
  expect((await door.ask(preview, { input: { queryCondition: condition } })).data).toEqual({
    previewJob: { deviceCount: { value: 1 } },
  })

  const schedule = `mutation ($input: ScheduleDeviceMethodInput!) {
    scheduleDeviceMethod(input: $input) {
      ... on ScheduleJobPayload { job { jobId queryCondition } } ... on Error { code message }
    }
  }`
  const cloudToDeviceMethod = { methodName: 'reboot' }
  const { data } = await door.ask(schedule, {
    input: { jobId: 'by-group', queryCondition: condition, cloudToDeviceMethod },
  })
  const kept = "(tags.kind = 'pump') AND tags.site = 'north'"
  expect(data.scheduleDeviceMethod).toEqual({ job: { jobId: 'by-group', queryCondition: kept } })

  await saved({ name: 'pumps', queryCondition: '*' })
  await start(door.deps, 'by-group')
  const filtered = `query ($filter: DeviceJobFilter) {
    job(jobId: "by-group") { queryCondition deviceJobs(filter: $filter, first: 9) { nodes { deviceId } } }
  }`
  const { data: shown } = await door.ask(filtered, { filter: { queryCondition: "group('pumps')" } })
  expect(shown.job).toEqual({ queryCondition: kept, deviceJobs: { nodes: [{ deviceId: 'pump-1' }] } })

  await door.ask(remove, { input: { name: 'pumps' } })
  const { data: refused } = await door.ask(schedule, {
    input: { queryCondition: "tags.a = 1 OR group('pumps')", cloudToDeviceMethod },
  })
  expect(refused.scheduleDeviceMethod).toEqual({
    code: 'QUERY_CONDITION',
    message: "there is no device group 'pumps' (line 1, column 15)",
  })
})

test('the conditions of waves can name groups, and a job keeps the conditions that they had', async () => {
  await saved({ name: 'valves', queryCondition: "tags.kind = 'valve'" })
  const waves = (name: string) => ({ waves: [{ devices: 1 }, { queryCondition: `group('${name}')` }, {}] })
  const input = { queryCondition: '*', rollout: waves('valves') }
  const preview = `query ($input: PreviewJobInput!) { previewJob(input: $input) { ... on JobPreview { waveSizes } } }`
  expect((await door.ask(preview, { input })).data).toEqual({ previewJob: { waveSizes: [1, 1, 1] } })

  const operations = {
    DeviceMethod: { cloudToDeviceMethod: { methodName: 'reboot' } },
    TwinUpdate: { updateTwin: { tags: { seen: true } } },
  }
  for (const [name, operation] of Object.entries(operations)) {
    const schedule = `mutation ($input: Schedule${name}Input!) {
      result: schedule${name}(input: $input) {
        ... on ScheduleJobPayload { job { waves { queryCondition } } }
        ... on Error { code message }
        ... on InvalidInputError { path }
      }
    }`
    const { data } = await door.ask(schedule, { input: { ...input, ...operation } })
    expect(data.result).toEqual({
      job: { waves: [{ queryCondition: null }, { queryCondition: "(tags.kind = 'valve')" }, { queryCondition: null }] },
    })
    const jobId = `unknown-${name}`
    const unknown = await door.ask(schedule, { input: { ...input, ...operation, jobId, rollout: waves('gone') } })
    expect(unknown.data.result).toEqual({
      code: 'INVALID_INPUT',
      message: "there is no device group 'gone' (line 1, column 1)",
      path: ['rollout', 'waves', '1', 'queryCondition'],
    })
    expect((await door.ask(`{ job(jobId: "${jobId}") { jobId } }`)).data).toEqual({ job: null })
  }
  await door.ask(remove, { input: { name: 'valves' } })
})

test('a subscription can name groups', async () => {
  await saved({ name: 'valves', queryCondition: "tags.kind = 'valve'" })
  const port = await openPort(door)
  const query = `subscription { devicePresenceChanged(queryCondition: "group('valves')") { devices { deviceId } } }`
  const results = port.client({}).iterate({ query })
  const { value } = await results.next()
  expect(value.data).toEqual({ devicePresenceChanged: { devices: [{ deviceId: 'valve-1' }] } })
  await results.return?.()
  await port.close()
  await door.ask(remove, { input: { name: 'valves' } })
})

test('a viewer with a scope sees and uses groups, with the devices in the scope, and cannot change them', async () => {
  await saved({ name: 'pumps', queryCondition: "tags.kind = 'pump'" })
  const as = { authorization: 'scoped' }
  const query = `{ deviceGroup(name: "pumps") { queryCondition deviceCount }
    devices(queryCondition: "group('pumps')", first: 9) { nodes { deviceId } } }`
  expect((await door.ask(query, {}, as)).data).toEqual({
    deviceGroup: { queryCondition: "tags.kind = 'pump'", deviceCount: 1 },
    devices: { nodes: [{ deviceId: 'pump-1' }] },
  })
  const changed = await door.ask(save, { input: { name: 'pumps', queryCondition: '*' } }, as)
  expect(changed.errors).toMatchObject([
    { extensions: { code: 'FORBIDDEN', missing: { scope: "tags.site = 'north'" } } },
  ])
  const deleted = await door.ask(remove, { input: { name: 'pumps' } }, as)
  expect(deleted.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
  expect(await saved({ name: 'pumps', queryCondition: "tags.kind = 'pump'" })).toMatchObject({ deviceCount: 2 })
})

test('the number of devices requires the right to read devices, the rest of a group does not', async () => {
  const { data, errors } = await door.ask(
    '{ deviceGroup(name: "pumps") { name deviceCount } }',
    {},
    { authorization: 'jobsOnly' },
  )
  expect(data).toEqual({ deviceGroup: { name: 'pumps', deviceCount: null } })
  expect(errors).toMatchObject([{ path: ['deviceGroup', 'deviceCount'], extensions: { code: 'FORBIDDEN' } }])
})

test('a count that takes too long is an error of its own', async () => {
  const slow = await openDoor({ limits: { queryMs: 50 } })
  await givenDevicesForSlowCondition(slow.deps)
  const { data, errors } = await slow.ask(save, { input: { name: 'slow', queryCondition: slowCondition } })
  await slow.close()
  expect(data.saveDeviceGroup).toMatchObject({ deviceGroup: { name: 'slow', deviceCount: null } })
  expect(errors).toMatchObject([{ extensions: { code: 'LIMIT_EXCEEDED' } }])
})
