import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDevices } from '../../../src/device/commands.ts'
import { everything } from '../../../src/scope.ts'
import { readTwinPaths, reportProperties } from '../../../src/twin/commands.ts'
import { createTestClock } from '../../support/clock.ts'
import { openDoor, type TestDoor } from '../door.ts'

let door: TestDoor
beforeAll(async () => {
  door = await openDoor()
  const site = ['north', 'north', 'south', 3, true, { name: 'east' }]
  await createDevices(
    door.deps,
    everything,
    site.map((value, index) => ({
      deviceId: `d${index}`,
      twin: {
        tags: { site: value, plan: { floor: index }, [index === 0 ? 'in' : 'out']: 'x'.repeat(index === 1 ? 63 : 62) },
        properties: { desired: { list: [index] } },
      },
    })),
  )
  // A path of more than 512 characters is left out: nobody types it, and many of them would be a large answer.
  await reportProperties(door.deps, 'd0', { '1st': { temp: 20.5 }, 'a]b': 1, 'a]': 1, ['l'.repeat(600)]: 1 })
})
afterAll(() => door.close())

type Path = { path: string; types: string[]; deviceCount: number; sampleValues: unknown[] }

async function paths(variables: { prefix?: string | null; first?: number | null } = {}): Promise<Path[]> {
  const { data, errors } = await door.ask(
    `query ($prefix: String, $first: Int) {
      twinPaths(prefix: $prefix, first: $first) { path types deviceCount sampleValues }
    }`,
    variables,
  )
  expect(errors).toEqual([])
  return Object(data).twinPaths
}

describe('the paths that exist', () => {
  test('have types, how many devices have them, and their most frequent short values', async () => {
    expect(await paths({ prefix: 'tags.' })).toEqual([
      { path: 'tags.plan', types: ['object'], deviceCount: 6, sampleValues: [] },
      { path: 'tags.plan.floor', types: ['number'], deviceCount: 6, sampleValues: [0, 1, 2, 3, 4] },
      {
        path: 'tags.site',
        types: ['boolean', 'number', 'object', 'string'],
        deviceCount: 6,
        sampleValues: ['north', 'south', 3, true],
      },
      { path: 'tags.out', types: ['string'], deviceCount: 5, sampleValues: ['x'.repeat(62)] },
      { path: 'tags.[[in]]', types: ['string'], deviceCount: 1, sampleValues: ['x'.repeat(62)] },
      { path: 'tags.site.name', types: ['string'], deviceCount: 1, sampleValues: ['east'] },
    ])
  })

  test('are written as a condition would, or left out where it cannot; metadata is left out too', async () => {
    const shown = await paths({ prefix: 'properties.' })
    expect(shown.map(({ path }) => path)).toEqual([
      'properties.desired',
      'properties.desired.$version',
      'properties.desired.list',
      'properties.reported',
      'properties.reported.$version',
      'properties.reported.[[1st]]',
      'properties.reported.[[1st]].temp',
      'properties.reported.[[a]b]]',
    ])
    for (const { path } of shown) {
      const { errors } = await door.ask('query ($c: String) { devices(queryCondition: $c, first: 1) { totalCount } }', {
        c: `IS_DEFINED(${path})`,
      })
      expect(errors).toEqual([])
    }
  })

  test('include what the hub knows of each device', async () => {
    expect(await paths({ prefix: 'connectionState' })).toEqual([
      { path: 'connectionState', types: ['string'], deviceCount: 6, sampleValues: ['Disconnected'] },
    ])
    expect((await paths()).map(({ path }) => path)).toEqual(
      expect.arrayContaining(['deviceId', 'status', 'lastActivityTime', 'capabilities.iotEdge', 'x509Thumbprint']),
    )
  })

  test('are found by their beginning, in whatever case, and as many as are asked for', async () => {
    expect((await paths({ prefix: 'TAGS.S', first: 1 })).map(({ path }) => path)).toEqual(['tags.site'])
    expect((await paths({ prefix: 'properties.reported.[[1' })).map(({ path }) => path)).toHaveLength(2)
    expect(await paths({ prefix: '%' })).toEqual([])
    expect(await paths({ prefix: null, first: null })).toEqual(await paths())
  })
})

test('without devices, or without time, there is what every device has', async () => {
  const unhurried = await readTwinPaths(
    { db: { ...door.deps.db, boundedRead: async () => undefined } },
    everything,
    { caller: 'tester' },
    { prefix: 'con', first: 10 },
  )
  expect(unhurried).toEqual([{ path: 'connectionState', types: ['string'], deviceCount: 0, sampleValues: [] }])
})

test('of a large fleet a sample is looked at, the same each time', async () => {
  const large = await openDoor()
  await large.deps.database.pool.query(
    `insert into device (id, generation_id, created_time)
       select 'big-' || number, 'g', now() from generate_series(1, 5000) number`,
  )
  await large.deps.database.pool.query(
    `insert into twin (device_id, tags) select id, jsonb_build_object('n', substr(id, 5)::integer % 7) from device`,
  )
  await large.deps.database.pool.query('analyze twin')
  const look = () => large.ask('{ twinPaths(prefix: "tags.n") { path deviceCount sampleValues } }')
  const first = await look()
  expect(first.errors).toEqual([])
  // It is smaller when there is no time for a large one, so on a busy machine the first may be one of few.
  let data: unknown
  const isAgain = async () => {
    const before = data
    data = (await look()).data
    return isDeepStrictEqual(data, before)
  }
  await expect.poll(isAgain).toBe(true)
  expect(data).toMatchObject({ twinPaths: [{ path: 'tags.n' }] })
  const [{ deviceCount, sampleValues }] = Object(data).twinPaths
  expect(deviceCount).toBeGreaterThan(0)
  expect(deviceCount).toBeLessThanOrEqual(1000)
  expect(sampleValues).toHaveLength(5)
  await large.close()
})

describe('refused', () => {
  test.each([0, -1, 1001])('%i paths', async (first) => {
    const { errors } = await door.ask('query ($first: Int) { twinPaths(first: $first) { path } }', { first })
    expect(errors).toMatchObject([{ extensions: { code: 'INVALID_INPUT', path: ['first'] } }])
  })

  test('a policy that may not read twins', async () => {
    const ask = async (policy: string) =>
      door.ask('{ twinPaths { path } }', {}, { authorization: await door.token(policy) })
    expect((await ask('registryReadWrite')).errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
    expect((await ask('service')).errors).toEqual([])
  })

  test('questions over the limit', async () => {
    const strict = await openDoor({
      clock: createTestClock(),
      throttling: { queries: { amount: 1, seconds: 60 } },
    })
    await strict.ask('{ twinPaths { path } }')
    const { errors } = await strict.ask('{ twinPaths { path } }')
    await strict.close()
    expect(errors).toMatchObject([{ extensions: { code: 'LIMIT_EXCEEDED', retryAfterSeconds: 60 } }])
  })
})
