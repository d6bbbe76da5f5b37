import { describe, expect, it } from 'vitest'
import { noFilters } from '../../../src/console/pages/job/filters.ts'
import { idsToReadAgain, moreEnded, newsOf, replaceRows } from '../../../src/console/pages/job/merge-updates.ts'
import type { DeviceJobStatus, JobDeviceFragment } from '../../../src/generated/console/graphql.ts'
import { statisticsWith } from '../statistics.ts'

const row = (id: string, status: DeviceJobStatus): JobDeviceFragment => ({
  id,
  deviceId: id,
  status,
  result: status === 'COMPLETED' ? 'SUCCEEDED' : status === 'RETRYING' ? 'PENDING' : status,
  skipped: false,
  startTime: null,
  endTime: null,
  error: null,
  outcome: null,
})

const statistics = (succeededCount: number) => statisticsWith(100, succeededCount)

describe('rows that are read again', () => {
  it('are those in sight that may still change', () => {
    const rows = [row('a', 'PENDING'), row('b', 'RUNNING'), row('c', 'COMPLETED'), row('d', 'PENDING')]
    expect(idsToReadAgain(rows, new Set(['a', 'b', 'c']))).toEqual(['a', 'b'])
  })

  it('are at most as many as the hub gives at once', () => {
    const rows = Array.from({ length: 150 }, (_, index) => row(`d${index}`, 'PENDING'))
    expect(idsToReadAgain(rows, { has: () => true })).toHaveLength(100)
  })

  it('take the places of the old ones, and the others stay the very same', () => {
    const rows = [row('a', 'PENDING'), row('b', 'PENDING'), row('c', 'PENDING')]
    const ended = row('b', 'FAILED')
    const replaced = replaceRows(rows, [ended, row('z', 'FAILED')])
    expect(replaced).toEqual([rows[0], ended, rows[2]])
    expect(replaced[0]).toBe(rows[0])
  })

  it('leave the very same list when nothing has changed, so that nothing is drawn anew', () => {
    const rows = [row('a', 'PENDING')]
    expect(replaceRows(rows, [row('a', 'PENDING')])).toBe(rows)
  })

  it('do not open a device job that has ended, though an answer was overtaken', () => {
    const rows = [row('a', 'COMPLETED')]
    expect(replaceRows(rows, [row('a', 'RUNNING')])).toBe(rows)
  })
})

describe('rows that are not in the list yet', () => {
  const read = { totalCount: 10, statistics: statistics(20) }

  it('cannot be when all devices are listed by their names', () => {
    expect(newsOf(noFilters)).toBe('none')
    expect(moreEnded('none', read, { totalCount: 15, statistics: statistics(90) })).toBe(0)
  })

  it('are those that ended since, in the order of the ends', () => {
    expect(newsOf({ ...noFilters, sort: { key: 'end', direction: 'DESC' } })).toBe('statistics')
    expect(moreEnded('statistics', read, { totalCount: undefined, statistics: statistics(32) })).toBe(12)
  })

  it('are counted where a filter lets only ended ones pass', () => {
    expect(newsOf({ ...noFilters, result: ['FAILED'] })).toBe('count')
    expect(newsOf({ ...noFilters, errorCode: ['GatewayTimeout'] })).toBe('count')
    expect(newsOf({ ...noFilters, responseStatus: [409], sort: { key: 'end', direction: 'ASC' } })).toBe('count')
    expect(moreEnded('count', read, { totalCount: 13, statistics: statistics(90) })).toBe(3)
    expect(moreEnded('count', read, { totalCount: undefined, statistics: statistics(90) })).toBe(0)
  })

  it('are not looked for where rows leave the list, or a condition would be gone through again and again', () => {
    expect(newsOf({ ...noFilters, result: ['PENDING'] })).toBe('none')
    expect(newsOf({ ...noFilters, result: ['FAILED'], condition: 'tags.a = 1' })).toBe('none')
  })

  it('are never fewer than none', () => {
    expect(moreEnded('count', read, { totalCount: 4, statistics: statistics(20) })).toBe(0)
  })
})
