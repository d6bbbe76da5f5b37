import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseCondition } from '../../src/query/parser.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { conditionError } from './errors.ts'
import { insertDevices, selectIds } from './fleet.ts'
import { sampleTwins as fleet } from './sample-twins.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
  await insertDevices(database.pool, Object.values(fleet))
})
afterAll(() => database.drop())

const selected = async (text: string): Promise<string> => {
  const ids = await selectIds(database.pool, parseCondition(text))
  return Object.entries(fleet)
    .flatMap(([name, { id }]) => (ids.includes(id) ? [name] : []))
    .join(' ')
}

const all = 'P1 P2 V9 OB NU'

describe('a condition selects', () => {
  test.each([
    ['*', all],
    ["deviceId = 'pump-001'", 'P1'],
    ["DEVICEID = 'pump-001'", 'P1'],
    ["deviceId = 'PUMP-001'", ''],
    ["devices.deviceId = 'pump-002'", 'P2'],
    ["deviceId IN ['pump-001','pump-002','ghost']", 'P1 P2'],
    ['deviceId in ["Valve-9"]', 'V9'],
    ["deviceId = 'O\\'Brien'", 'OB'],
    ['deviceId = "O\'Brien"', 'OB'],
    ["tags.site = 'north'", 'P1 P2'],
    ["tags.site != 'north'", 'V9 OB'],
    ["NOT (tags.site = 'north')", 'V9 OB'],
    ["NOT tags.site = 'north'", 'V9 OB'],
    ['NOT IS_DEFINED(tags.site)', 'NU'],
    ['is_defined(tags.critical)', 'P1 OB'],
    ['tags.critical = true', 'P1'],
    ["tags.critical = 'true'", ''],
    ['tags.site', ''],
    ['tags.floor = 3', 'P1'],
    ["tags.floor = '3'", 'P2'],
    ['tags.floor >= 0 AND tags.floor < 5', 'P1 OB'],
    ['tags.floor <> 0', 'P1 V9'],
    ["tags.building.wing = 'east'", 'P1'],
    ['IS_DEFINED(tags.building)', 'P1'],
    ["tags.[[group]] = 'g1'", 'V9'],
    ['tags.[[odd key?]] = 1', 'V9'],
    ["tags.my-tag = 'hyphen'", 'V9'],
    ["tags.Site = 'north'", ''],
    ["Tags.site = 'north'", 'P1 P2'],
    ['properties.desired.interval = 30', 'P1 OB'],
    ['properties.reported.battery < 20', 'P2 OB'],
    ["properties.reported.battery = 'low'", 'V9'],
    ['properties.desired.fw.version = properties.reported.fw.version', 'P1'],
    ["properties.reported.online = true OR connectionState = 'Connected'", 'P1 OB'],
    ['properties.reported.nosuch = null', ''],
    ['x509Thumbprint.primaryThumbprint = null', 'P1 P2 OB NU'],
    ["status = 'enabled' AND connectionState = 'Disconnected'", 'P2 NU'],
    ["status = 'Enabled'", ''],
    ['capabilities.iotEdge = true', 'V9'],
    ["lastActivityTime >= '2024-05-01T00:00:00Z'", 'P1 OB'],
    ['properties.reported.$version > 2', 'P1'],
    ['properties.desired.$version = 1 AND properties.reported.$version = 1', 'NU'],
    ["(tags.site = 'north' OR tags.site = 'south') AND status = 'enabled'", 'P1 P2'],
    ['tags.floor = 0x0A', 'V9'],
    ['tags.floor = -1 + 4', 'P1'],
    ["STARTSWITH(deviceId, 'pump-')", 'P1 P2'],
    ["ENDSWITH(deviceId, '9')", 'V9'],
    ["STARTS_WITH(deviceId, 'pump-')", 'P1 P2'],
    ["CONTAINS(deviceId, 'u')", 'P1 P2 NU'],
    ['IS_STRING(tags.floor)', 'P2'],
    ['tags.site = north', ''],
    ['1 = 1', all],
    ['true', all],

    // Beyond the table: the same rules elsewhere.
    ['FROM devices', all],
    ["FROM devices WHERE tags.site = 'south'", 'V9'],
    ["tags.site NIN ['north', 'south']", 'OB'],
    ["tags.building NIN ['north']", 'P1'],
    ['tags.floor IN [3, "3", 0]', 'P1 P2 OB'],
    ['NOT statusReason', all],
    ['statusReason = null', all],
    ['tags.floor / 0 > 1e308', 'P1 V9'],
    ['IS_DEFINED(tags) AND IS_OBJECT(properties.reported) AND IS_OBJECT(x509Thumbprint)', all],
    ['IS_ARRAY(tags.labels)', 'P1'],
    ['tags.building = tags.building OR tags.labels = tags.labels', ''],
    ['tags.building != tags.labels OR NOT (tags.labels != tags.labels)', ''],
    ["x509Thumbprint.primaryThumbprint NIN ['AA']", 'P1 P2 OB NU'],
    ["x509Thumbprint.primaryThumbprint IN [null, 'AA']", all],
    ["CONTAINS(tags.site, '%') OR STARTSWITH(tags.site, '_')", ''],
    ["tags.labels.[[0]] = 'x' OR tags.labels = 'x'", ''],
    ["properties.reported.$metadata.battery.$lastUpdated < '2024-05-01'", 'P2 V9'],
    ["lastActivityTime = '0001-01-01T00:00:00Z'", 'NU'],
    ["lastActivityTime = '2024-05-02T00:00:00.000Z'", 'OB'],
    ["etag = 'AAAAAAAAAAE='", all],
    ["STARTSWITH(id, 'pump-')", ''],
    ["property.reported.battery = 'low'", ''],
  ])('%s → %s', async (text, names) => {
    expect(await selected(text)).toBe(names)
  })
})

describe('a condition is refused', () => {
  test.each([
    ["deviceId IN ('pump-001')", "expected '['"],
    ['deviceId IN []', 'empty array'],
    ["deviceId = 'O''Brien'", "unexpected 'Brien'"],
    ["tags.group = 'g1'", "reserved word 'group' in path; write [[group]]"],
    ["tags.site LIKE 'n%'", "unexpected 'LIKE'"],
    ["tags.site == 'north'", "unexpected '='"],
    ["tags.site = 'north", 'unterminated string'],
    ["tags.site = 'north' AND", 'unexpected end of condition'],
    ["tags.site = 'north')", "unexpected ')'"],
    ['SELECT * FROM devices', 'unexpected keyword SELECT; a condition is the part after WHERE'],
    ["WHERE tags.site = 'north'", 'unexpected keyword WHERE'],
    ['FOO(tags.site)', 'unknown function FOO'],
  ])('%s → %s', (text, message) => {
    expect(conditionError(() => parseCondition(text)).message).toContain(message)
  })
})
