import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { QueryConditionError } from '../../src/errors.ts'
import type { JsonObject } from '../../src/json/json.ts'
import { documentOf, insertDevices, type TestDevice } from '../query/fleet.ts'
import { sampleTwins } from '../query/sample-twins.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { runStatement } from './run.ts'

let deps: TestDeps
beforeAll(async () => {
  deps = await createTestDeps()
  await insertDevices(deps.database.pool, Object.values(sampleTwins))
})
afterAll(() => deps.close())

const run = (text: string) => runStatement(deps, { caller: 'tester' }, text, { size: 100 })

/** The whole document, less the reason that no sample has. */
const shown = (device: TestDevice | undefined): JsonObject => {
  if (device === undefined) throw new Error('no such sample')
  const { statusReason: _, ...document } = documentOf(device)
  return document
}

test('whole twins', async () => {
  const { P1, P2, OB, NU } = sampleTwins
  expect(await run("SELECT * FROM devices WHERE status = 'enabled'")).toEqual({
    itemType: 'Twin',
    items: [OB, NU, P1, P2].map(shown),
  })
})

describe('results', () => {
  test.each<[string, JsonObject[]]>([
    [
      'SELECT deviceId, tags.site AS site FROM devices',
      [
        { deviceId: "O'Brien", site: "O'Hare" },
        { deviceId: 'Valve-9', site: 'south' },
        { deviceId: 'new-unit' },
        { deviceId: 'pump-001', site: 'north' },
        { deviceId: 'pump-002', site: 'north' },
      ],
    ],
    ["SELECT COUNT() AS n FROM devices WHERE connectionState = 'Connected'", [{ n: 2 }]],
    [
      'SELECT tags.site AS site, COUNT() AS n FROM devices GROUP BY tags.site',
      [{ site: "O'Hare", n: 1 }, { site: 'north', n: 2 }, { site: 'south', n: 1 }, { n: 1 }],
    ],
    ['SELECT AVG(properties.reported.battery) AS b FROM devices', [{ b: (81.5 + 15 + 0) / 3 }]],
    ['SELECT TOP 2 deviceId FROM devices', [{ deviceId: "O'Brien" }, { deviceId: 'Valve-9' }]],

    // Beyond the table: the same rules elsewhere.
    ['SELECT tags.nosuch FROM devices WHERE deviceId = "new-unit"', [{}]],
    [
      'SELECT DeviceId, STATUS, X509Thumbprint, tags.critical, properties.desired.fw FROM devices WHERE tags.floor = 3',
      [
        {
          deviceId: 'pump-001',
          status: 'enabled',
          x509Thumbprint: { primaryThumbprint: null, secondaryThumbprint: null },
          critical: true,
          fw: { version: '1.2.0', rollout: 25 },
        },
      ],
    ],
    [
      'SELECT properties.reported AS r FROM devices WHERE tags.my-tag = "hyphen"',
      [{ r: { battery: 'low', $metadata: { battery: { $lastUpdated: '2023-12-31T00:00:00Z' } }, $version: 2 } }],
    ],
    ['SELECT COUNT() FROM devices WHERE false', [{ $1: 0 }]],
    ['SELECT SUM(tags.x) AS s, AVG(tags.x) AS a, MIN(tags.x) AS l, COUNT(tags.x) AS n FROM devices', [{ s: 0, n: 0 }]],
    [
      'SELECT COUNT(properties.reported.battery) AS n, MIN(properties.reported.battery) AS low, MAX(tags.site) AS site FROM devices',
      [{ n: 4, low: 0, site: 'south' }],
    ],
    // Numbers before texts.
    ['SELECT MIN(tags.floor) AS low, MAX(tags.floor) AS high FROM devices', [{ low: 0, high: '3' }]],
    ['SELECT MAX(lastActivityTime) AS last FROM devices', [{ last: '2024-05-02T00:00:00.000Z' }]],
    ['SELECT SUM(version) AS s, MAX(properties.reported.$version) AS v FROM devices', [{ s: 5, v: 9 }]],
    ['SELECT COUNT() AS n FROM devices GROUP BY nosuch', [{ n: 5 }]],
    ['SELECT COUNT() AS n FROM devices WHERE false GROUP BY tags.site', []],
    [
      'SELECT x509Thumbprint.primaryThumbprint AS p FROM devices GROUP BY X509THUMBPRINT.primarythumbprint',
      [{ p: 'AA' }, { p: null }],
    ],
    ['SELECT TOP 1 COUNT() AS n, tags.site FROM devices GROUP BY tags.site', [{ n: 1, site: "O'Hare" }]],
    ['SELECT TOP 0 deviceId FROM devices', []],
    // There are no modules, and so none is found.
    ["SELECT moduleId FROM devices.modules WHERE moduleId = '$edgeAgent'", []],
    ['SELECT COUNT() AS n FROM devices.modules', [{ n: 0 }]],
  ])('%s', async (text, items) => {
    expect(await run(text)).toEqual({ itemType: 'Raw', items })
  })

  test('of modules asked for as a whole there are none', async () => {
    expect(await run('SELECT * FROM devices.modules')).toEqual({ itemType: 'Twin', items: [] })
  })
})

test.each([
  ['SELECT COUNT() FROM devices.jobs', 'cannot be aggregated'],
  ['SELECT * FROM devices WHERE *', "unexpected '*'"],
  ['SELECT * FROM gadgets', "unknown collection 'gadgets'"],
  ['SELECT * FROM devices ORDER BY deviceId', 'unexpected keyword ORDER'],
  ['SELECT deviceId, DEVICEID FROM devices', "two results have the key 'deviceId'"],
])('%s is refused', async (text, message) => {
  const error: unknown = await run(text).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(QueryConditionError)
  expect(error).toMatchObject({ message: expect.stringContaining(message) })
})

test('strict mode refuses what Azure IoT Hub refuses', async () => {
  const strict = (text: string) => runStatement(deps, { caller: 'tester' }, text, { size: 1 }, { strict: true })
  await expect(strict('SELECT deviceId FROM devices.jobs')).rejects.toThrow(QueryConditionError)
  await expect(strict("SELECT * FROM devices WHERE CONTAINS(deviceId, 'a')")).rejects.toThrow(QueryConditionError)
  expect((await strict("SELECT deviceId FROM devices WHERE STARTSWITH(deviceId, 'p')")).items).toHaveLength(1)
})
