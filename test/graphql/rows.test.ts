import { type GraphQLField, type GraphQLObjectType, getNamedType, isObjectType } from 'graphql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { schema } from '../../src/graphql/schema.ts'
import { cancelJob } from '../../src/job/commands.ts'
import { givenDevices, givenMethodJob, givenTwinJob, tester } from '../support/rows.ts'
import { openDoor, type TestDoor } from './door.ts'
import { answer, countStatements, dispatch, start } from './facts.ts'

let door: TestDoor
beforeAll(async () => {
  door = await openDoor()
  const { deps } = door
  await givenDevices(deps, 'pump', 3)
  await givenMethodJob(deps, 'pump', { payload: { deep: true } }, { jobId: 'calls' })
  await start(deps, 'calls')
  const [first, second] = ['pump-0001', 'pump-0002'].map((deviceId) => ({ jobId: 'calls', deviceId }))
  if (first === undefined || second === undefined) throw new Error('There are two devices.')
  await dispatch(deps, first, second)
  await answer(deps, { ...first, response: { status: 200, payload: '{"ok":true}' } })
  await answer(deps, { ...second, error: { code: 'GatewayTimeout', description: 'It did not answer.' } })
  await givenTwinJob(deps, 'pump', { jobId: 'patches' })
  await cancelJob(deps, tester, 'patches', 'not today')
})
afterAll(() => door.close())

/** Fields whose values change from one request to the next. */
const moving = ['eta', 'samples', 'throughput']

/** The field with all leaves below it, as far down as `depth`. Undefined without any. */
function selectionOf(field: GraphQLField<unknown, unknown>, depth: number): string | undefined {
  const type = getNamedType(field.type)
  const call = field.args.some(({ name }) => name === 'after') ? `${field.name}(first: 3)` : field.name
  if (!isObjectType(type)) return call
  const below = depth === 0 ? [] : selectionsOf(type, depth - 1)
  return below.length === 0 ? undefined : `${call} { ${below.join(' ')} }`
}

const selectionsOf = (type: GraphQLObjectType, depth: number): readonly string[] =>
  Object.values(type.getFields())
    .filter(({ name }) => !moving.includes(name))
    .flatMap((field) => selectionOf(field, depth) ?? [])

function fieldsOf(typeName: string): readonly string[] {
  const type = schema.getType(typeName)
  if (!isObjectType(type)) throw new Error(`${typeName} is not an object type.`)
  return selectionsOf(type, 1)
}

describe.each(['calls', 'patches'])('of the job %s', (jobId) => {
  const ask = async (selection: string) => {
    const { data, errors } = await door.ask(`{ job(jobId: "${jobId}") { ${selection} } }`)
    expect(errors).toEqual([])
    return Object(data.job)
  }

  test('each field alone has the value that it has with all others', async () => {
    const fields = fieldsOf('Job')
    expect(fields.length).toBeGreaterThan(20)
    const all = await ask(fields.join(' '))
    const alone = await Promise.all(fields.map(ask))
    expect(Object.assign({}, ...alone)).toEqual(all)
  })
})

describe('of a device', () => {
  const ask = async (selection: string) => {
    const { data, errors } = await door.ask(`{ device(deviceId: "pump-0001") { ${selection} } }`)
    expect(errors).toEqual([])
    return Object(data.device)
  }

  test('each field alone has the value that it has with all others', async () => {
    const fields = fieldsOf('Device')
    expect(fields.length).toBeGreaterThan(8)
    const all = await ask(fields.join(' '))
    for (const field of fields) expect(all).toMatchObject(await ask(field))
  })

  test('so has each field of its twin', async () => {
    const section = '{ value metadata version }'
    const all = await ask(`twin { etag version tags properties { desired ${section} reported ${section} } }`)
    expect(all.twin.properties.desired.metadata.$lastUpdated).toEqual(expect.any(String))
    const sections = ['desired', 'reported'].flatMap((name) =>
      ['value', 'metadata', 'version'].map((field) => `properties { ${name} { ${field} } }`),
    )
    for (const field of ['etag', 'version', 'tags', ...sections]) {
      expect(all).toMatchObject(await ask(`twin { ${field} }`))
    }
  })
})

test('objects that one turn requests by ID are read by one statement, with the columns of all requests', async () => {
  const query = `{
    a: job(jobId: "calls") { type }
    b: job(jobId: "patches") { statusMessage }
    c: job(jobId: "calls") { maxExecutionTimeInSeconds }
    d: job(jobId: "nothing") { jobId }
  }`
  const statements = await countStatements(async () => {
    expect((await door.ask(query)).data).toEqual({
      a: { type: 'SCHEDULE_DEVICE_METHOD' },
      b: { statusMessage: 'not today' },
      c: { maxExecutionTimeInSeconds: 3600 },
      d: null,
    })
  })
  expect(statements).toBe(1)
})

test('rows of a list are not read where only their number is selected', async () => {
  const query = '{ jobs(first: 1) { totalCount } devices(first: 1) { __typename number: totalCount } }'
  const statements = await countStatements(async () => {
    expect((await door.ask(query)).data).toEqual({
      jobs: { totalCount: 2 },
      devices: { __typename: 'DeviceConnection', number: 3 },
    })
  })
  expect(statements).toBe(2)
})

describe('pages of all devices, in both directions', () => {
  const page = async (asked: string) => {
    const { data, errors } = await door.ask(
      `{ devices(${asked}) { nodes { deviceId } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`,
    )
    expect(errors).toEqual([])
    const { nodes, pageInfo } = Object(data.devices)
    return { ...pageInfo, ids: nodes.map(({ deviceId }: { deviceId: string }) => deviceId) }
  }

  test('follow the order of the list', async () => {
    const first = await page('first: 2')
    expect(first).toMatchObject({ ids: ['pump-0001', 'pump-0002'], hasNextPage: true, hasPreviousPage: false })
    expect(await page(`first: 2, after: "${first.endCursor}"`)).toMatchObject({
      ids: ['pump-0003'],
      hasNextPage: false,
      hasPreviousPage: true,
    })
    const last = await page('last: 2')
    expect(last).toMatchObject({ ids: ['pump-0002', 'pump-0003'], hasNextPage: false, hasPreviousPage: true })
    expect(await page(`last: 2, before: "${last.startCursor}"`)).toMatchObject({ ids: ['pump-0001'] })
  })
})
