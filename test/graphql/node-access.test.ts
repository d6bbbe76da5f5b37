import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Right } from '../../src/access/rights.ts'
import { givenDevices, givenMethodJob } from '../support/rows.ts'
import { openDoor, owner, personWith, type TestDoor } from './door.ts'
import { countStatements, start } from './facts.ts'

// Whether an object exists is a fact about it, so `node` says it only to those who may read objects of this kind.

const rightsOf: Readonly<Record<string, readonly Right[]>> = {
  nothing: [],
  devices: ['readDevices'],
  twins: ['readTwins'],
  jobs: ['readJobs'],
}

let door: TestDoor
beforeAll(async () => {
  door = await openDoor({
    authenticate: async (token = 'owner') => {
      const rights = token === 'scheduling' ? (['writeJobs'] as const) : rightsOf[token]
      return rights === undefined ? owner : personWith({ rights })
    },
  })
  await givenDevices(door.deps, 'pump', 1)
  await givenMethodJob(door.deps, 'pump', {}, { jobId: 'restart' })
  await start(door.deps, 'restart')
})
afterAll(() => door.close())

const idOf = (text: string): string => Buffer.from(text).toString('base64url')
const nodes = (role: string, ...ids: readonly string[]) =>
  door.ask('query ($ids: [ID!]!) { nodes(ids: $ids) { __typename } }', { ids: ids.map(idOf) }, { authorization: role })

const kinds = [
  ['Device', 'Device:pump-0001', 'Device:no-such', ['devices', 'twins']],
  ['Twin', 'Twin:pump-0001', 'Twin:no-such', ['twins']],
  ['Job', 'Job:restart', 'Job:no-such', ['jobs']],
  ['DeviceJob', 'DeviceJob:restart/pump-0001', 'DeviceJob:restart/no-such', ['jobs']],
] as const
const rightFor = { Device: 'readDevices', Twin: 'readTwins', Job: 'readJobs', DeviceJob: 'readJobs' }
const cells = kinds.flatMap(([kind, known, unknown, readers]) =>
  Object.keys(rightsOf).map((role) => [role, kind, known, unknown, readers.some((reader) => reader === role)] as const),
)

test.each(cells.filter(([, , , , mayRead]) => !mayRead))(
  'with the right to %s, a %s that exists is refused like one that does not, without a look at the database',
  async (role, kind, known, unknown) => {
    const ask = (id: string) =>
      door.ask('query ($id: ID!) { node(id: $id) { __typename } }', { id: idOf(id) }, { authorization: role })
    let answers: unknown[] = []
    const statements = await countStatements(async () => {
      answers = [await ask(known), await ask(unknown)]
    })
    const refused = {
      status: 200,
      data: { node: null },
      errors: [
        {
          message: expect.stringContaining(`not grant access to ${kind}. It requires the right`),
          path: ['node'],
          extensions: { code: 'FORBIDDEN', missing: { right: rightFor[kind] } },
        },
      ],
    }
    expect(answers).toMatchObject([refused, refused])
    expect(answers[0]).toEqual(answers[1])
    expect(statements).toBe(0)
  },
)

test.each(cells.filter(([, , , , mayRead]) => mayRead))(
  'with the right to %s, a %s that exists is found',
  async (role, kind, known, unknown) => {
    expect((await nodes(role, known, unknown)).data).toEqual({ nodes: [{ __typename: kind }, null] })
  },
)

test('of several objects, only those of a kind that the viewer may not read are refused', async () => {
  const ids = ['Job:restart', 'Device:pump-0001', 'Job:no-such', 'Device:no-such', 'DeviceJob:restart/pump-0001']
  const { data, errors } = await nodes('devices', ...ids)
  expect(data).toEqual({ nodes: [null, { __typename: 'Device' }, null, null, null] })
  expect(errors.map(({ path, extensions }) => [path, extensions.code])).toEqual(
    [0, 2, 4].map((index) => [['nodes', index], 'FORBIDDEN']),
  )
})

test('the device of a device job is refused to a viewer who may not read devices, whether or not it was deleted', async () => {
  const { data, errors } = await door.ask(
    '{ job(jobId: "restart") { deviceJobs(first: 1) { nodes { device { __typename } } } } }',
    {},
    { authorization: 'jobs' },
  )
  expect(data.job).toEqual({ deviceJobs: { nodes: [{ device: null }] } })
  expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
})

test('a twin is read by its global ID, with what is selected', async () => {
  const { data, errors } = await door.ask(
    'query ($id: ID!) { node(id: $id) { ... on Twin { id tags device { deviceId } } } }',
    { id: idOf('Twin:pump-0001') },
    { authorization: 'twins' },
  )
  expect(errors).toEqual([])
  const twin = { id: idOf('Twin:pump-0001'), tags: { fleet: 'pump' }, device: { deviceId: 'pump-0001' } }
  expect(data.node).toEqual(twin)
})

test('a caller that may schedule jobs but not read them gets the ID of the new job', async () => {
  const { data, errors } = await door.ask(
    `mutation { scheduleDeviceMethod(input: { jobId: "unseen", queryCondition: "false", cloudToDeviceMethod: { methodName: "m" } }) {
      ... on ScheduleJobPayload { jobId job { status } }
    } }`,
    {},
    { authorization: 'scheduling' },
  )
  expect(data.scheduleDeviceMethod).toEqual({ jobId: 'unseen', job: null })
  expect(errors).toMatchObject([{ path: ['scheduleDeviceMethod', 'job', 'status'], extensions: { code: 'FORBIDDEN' } }])
})
