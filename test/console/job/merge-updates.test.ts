import { describe, expect, it } from 'vitest'
import { noFilters } from '../../../src/console/pages/job/filters.ts'
import { idsToReadAgain, moreRows, newsOf, replaceRows } from '../../../src/console/pages/job/merge-updates.ts'
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
    expect(idsToReadAgain([row('a', 'RETRYING')], new Set(['a']))).toEqual(['a'])
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

  it('show the next attempt of a call that is repeated, also when it has the same status', () => {
    const first = { ...row('a', 'RUNNING'), startTime: '2026-03-01T06:00:00Z' }
    const second = { ...first, startTime: '2026-03-01T06:00:10Z' }
    expect(replaceRows([row('a', 'RETRYING')], [second])).toEqual([second])
    expect(replaceRows([first], [second])).toEqual([second])
  })

  it('do not open a device job that has ended, though an answer was overtaken', () => {
    const rows = [row('a', 'COMPLETED')]
    expect(replaceRows(rows, [row('a', 'RUNNING')])).toBe(rows)
  })
})

describe('rows that are not in the list yet', () => {
  const read = { totalCount: 10, statistics: statistics(20) }

  it('cannot be when all devices are listed by their names', () => {
    expect(newsOf(noFilters, 'AT_START')).toBe('none')
    expect(moreRows('none', read, { totalCount: 15, statistics: statistics(90) })).toBe(0)
  })

  it('are those that joined a continuous job since', () => {
    expect(newsOf(noFilters, 'CONTINUOUS')).toBe('joins')
    expect(moreRows('joins', read, { totalCount: undefined, statistics: statistics(0) })).toBe(90)
    expect(moreRows('joins', read, { totalCount: undefined, statistics: null })).toBe(0)
  })

  it('are those that ended since, in the order of the ends', () => {
    expect(newsOf({ ...noFilters, sort: { key: 'end', direction: 'DESC' } }, 'CONTINUOUS')).toBe('ends')
    expect(moreRows('ends', read, { totalCount: undefined, statistics: statistics(32) })).toBe(12)
  })

  it('are counted where a filter lets only ended ones pass', () => {
    expect(newsOf({ ...noFilters, result: ['FAILED'] }, 'AT_START')).toBe('count')
    expect(newsOf({ ...noFilters, errorCode: ['GatewayTimeout'] }, 'AT_START')).toBe('count')
    expect(newsOf({ ...noFilters, responseStatus: [409], sort: { key: 'end', direction: 'ASC' } }, 'AT_START')).toBe(
      'count',
    )
    expect(moreRows('count', read, { totalCount: 13, statistics: statistics(90) })).toBe(3)
    expect(moreRows('count', read, { totalCount: undefined, statistics: statistics(90) })).toBe(0)
  })

  it('are not looked for where rows leave the list, or a condition would be gone through again and again', () => {
    expect(newsOf({ ...noFilters, result: ['PENDING'] }, 'AT_START')).toBe('none')
    expect(newsOf({ ...noFilters, result: ['FAILED'], condition: 'tags.a = 1' }, 'AT_START')).toBe('none')
  })

  it('are never fewer than none', () => {
    expect(moreRows('count', read, { totalCount: 4, statistics: statistics(20) })).toBe(0)
  })
})
