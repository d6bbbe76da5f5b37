import { describe, expect, test } from 'vitest'
import { deviceFields, deviceJobFields, jobFieldNames } from '../../src/query/fields.ts'
import { parseCondition } from '../../src/query/parser.ts'
import { compileSelection, resultPaths } from '../../src/query/selection.ts'
import { splitCondition } from '../../src/query/split-condition.ts'
import { parseStatement } from '../../src/query/statement.ts'
import { conditionError } from './errors.ts'
import { print } from './print.ts'

const compile = (text: string) => compileSelection(parseStatement(text), deviceFields)

const keys = (list: string, groupBy = ''): string[] => {
  const selection = compile(`SELECT ${list} FROM devices ${groupBy}`)
  return selection.kind === 'whole' ? [] : selection.columns.map(({ key, index }) => `${key}:${index}`)
}

describe('results have keys', () => {
  test.each([
    ['deviceId', '', ['deviceId:0']],
    ['DEVICEID, Status', '', ['deviceId:0', 'status:1']],
    ['devices.deviceid, X509THUMBPRINT.primarythumbprint', '', ['deviceId:0', 'primaryThumbprint:1']],
    ['Properties.Reported.Battery, PROPERTIES.DESIRED', '', ['Battery:0', 'desired:1']],
    ['tags.Site, TAGS, nosuch.Name', '', ['Site:0', 'tags:1', 'Name:2']],
    ['tags.[[a.b]], deviceId AS Name', '', ['a.b:0', 'Name:1']],
    // What is selected under several keys is one value.
    ['tags AS a, tags AS b, devices.TAGS AS c, tags.x', '', ['a:0', 'b:0', 'c:0', 'x:1']],
    ['COUNT(), AVG(tags.a) AS mean, SUM(tags.a)', '', ['$1:0', 'mean:1', '$2:2']],
    ['COUNT() AS n, tags.site, MAX(tags.a)', 'GROUP BY Tags.site', ['n:1', 'site:0', '$1:2']],
    ['devices.Status, COUNT() AS n', 'GROUP BY status', ['status:0', 'n:1']],
    ['tags.site AS place', 'GROUP BY tags.site', ['place:0']],
  ])('%s %s', (list, groupBy, expected) => {
    expect(keys(list, groupBy)).toEqual(expected)
  })

  test.each<[string, string, string, number]>([
    ['tags.site, properties.reported.site', '', "two results have the key 'site'; rename one of them with AS", 19],
    ['deviceId, DeviceId', '', "two results have the key 'deviceId'", 18],
    ['COUNT() AS n, SUM(tags.n) AS n', '', "two results have the key 'n'", 22],
    ['tags.a, COUNT()', 'GROUP BY tags.A', 'with GROUP BY, a path must be the grouped one', 8],
    ['status, tags.a', 'GROUP BY status', 'with GROUP BY, a path must be the grouped one', 16],
  ])('%s %s is refused', (list, groupBy, message, column) => {
    const error = conditionError(() => keys(list, groupBy))
    expect(error.message).toContain(message)
    expect(error.column).toBe(column)
  })

  test('of a document that is made outside the database they come with its paths', () => {
    const { items = [] } = parseStatement(
      'SELECT devices.jobs.JobId, Outcome.deviceMethodResponse.status AS s, createdTimeUtc FROM devices.jobs',
    )
    expect(resultPaths(items, deviceJobFields)).toEqual([
      { key: 'jobId', path: ['jobId'] },
      { key: 's', path: ['outcome', 'deviceMethodResponse', 'status'] },
      { key: 'createdDateTimeUtc', path: ['createdDateTimeUtc'] },
    ])
  })
})

test('keys and aliases change the values of the SQL, never its text', () => {
  const hostile = `x'); drop table twin; --"$1 %_{}`
  const list = (key: string) =>
    `SELECT tags.[[${key}]] AS [[${key}]], MAX(properties.reported.[[${key}]]) FROM devices GROUP BY tags.[[${key}]]`
  const [plain, poisoned] = [compile(list('a')), compile(list(hostile))]
  if (plain.kind !== 'groups' || poisoned.kind !== 'groups') throw new Error('not grouped')
  expect(poisoned.group.strings).toEqual(plain.group.strings)
  expect(poisoned.values.strings).toEqual(plain.values.strings)
  expect(poisoned.group.values).toEqual([hostile])
})

describe('a condition is split into what concerns the job alone and the rest', () => {
  test.each([
    ["jobId = 'a'", "(jobId = 'a')", '*'],
    ["status = 'failed'", '*', "(status = 'failed')"],
    [
      "devices.jobs.JOBID = 'a' AND (status = 'failed' AND jobType = 'b')",
      "(devices.[[jobs]].[[JOBID]] = 'a') (jobType = 'b')",
      "(status = 'failed')",
    ],
    ["jobId = 'a' OR status = 'b'", '*', "((jobId = 'a') or (status = 'b'))"],
    ["NOT (jobId = 'a') AND nosuch = 1", "(NOT (jobId = 'a'))", '(nosuch = 1)'],
    ["createdTimeUtc > 'a' AND true", "(createdTimeUtc > 'a') true", '*'],
    ['jobId = deviceId', '*', '(jobId = deviceId)'],
  ])('%s', (text, ofJob, ofDeviceJob) => {
    const parts = splitCondition(parseCondition(text), deviceJobFields, jobFieldNames).map((part) => {
      if (part.kind === 'all') return '*'
      return part.expression.kind === 'and' ? part.expression.operands.map(print).join(' ') : print(part.expression)
    })
    expect(parts).toEqual([ofJob, ofDeviceJob])
  })
})
