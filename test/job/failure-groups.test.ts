import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addFailures,
  type FailureGroup,
  isUpToDate,
  missingSince,
  mostGroups,
  noFailures,
} from '../../src/job/failure-groups.ts'

const group = (code: string, count: number, responseStatus: number | null = null): FailureGroup => ({
  code,
  message: `${code} ${responseStatus}.`,
  responseStatus,
  count,
})
const running = (version: number) => ({ version, endTime: null })
const ended = (version: number) => ({ version, endTime: new Date(0) })
const many = Array.from({ length: mostGroups + 1 }, (_, index) => group('DeviceResponse', 1, 400 + index))

test('failures that came later are added to those known, and the largest group is the first', () => {
  const first = addFailures(noFailures, { version: 3, hasEnded: false, groups: [group('A', 2), group('B', 1)] })
  const second = addFailures(first, { version: 5, hasEnded: false, groups: [group('B', 2), group('C', 2)] })
  expect(second).toEqual({
    version: 5,
    isFinal: false,
    isWhole: true,
    groups: [group('B', 3), group('A', 2), group('C', 2)],
  })
})

test('in whatever parts failures are read, they come to the same', () => {
  const failure = fc.record({ code: fc.constantFrom('A', 'B'), status: fc.constantFrom(null, 400, 500) })
  fc.assert(
    fc.property(fc.array(fc.array(failure)), (parts) => {
      const groupsOf = (part: (typeof parts)[number]) => part.map(({ code, status }) => group(code, 1, status))
      const inParts = parts.reduce(
        (tally, part) => addFailures(tally, { version: 1, hasEnded: false, groups: groupsOf(part) }),
        noFailures,
      )
      const atOnce = addFailures(noFailures, { version: 1, hasEnded: false, groups: groupsOf(parts.flat()) })
      expect(inParts.groups).toEqual(parts.length === 0 ? [] : atOnce.groups)
    }),
  )
})

describe('a tally', () => {
  const tally = addFailures(noFailures, { version: 5, hasEnded: false, groups: [group('A', 1)] })

  test('is good for the versions of the job that it has, until the job has ended', () => {
    expect(isUpToDate(noFailures, running(1))).toBe(false)
    expect(isUpToDate(tally, running(5))).toBe(true)
    expect(isUpToDate(tally, running(6))).toBe(false)
    expect(isUpToDate(tally, ended(5))).toBe(false)
    expect(missingSince(tally, running(6))).toBe(5)
    expect(missingSince(tally, ended(6))).toBe(5)
  })

  test('is good for ever when it has the end of the job', () => {
    const last = addFailures(tally, { version: 7, hasEnded: true, groups: [] })
    expect(last.isFinal).toBe(true)
    expect(isUpToDate(last, ended(7))).toBe(true)
  })

  test('keeps the largest of too many groups, and is made anew at the end', () => {
    const cut = addFailures(tally, { version: 6, hasEnded: false, groups: [...many, group('B', 9)] })
    expect(cut.groups).toHaveLength(mostGroups)
    expect(cut.groups[0]).toEqual(group('B', 9))
    expect(missingSince(cut, running(7))).toBe(6)
    expect(missingSince(cut, ended(7))).toBeNull()
    expect(addFailures(cut, { version: 7, hasEnded: true, groups: [] }).isFinal).toBe(false)
    const anew = addFailures(noFailures, { version: 7, hasEnded: true, groups: many })
    expect(isUpToDate(anew, ended(7))).toBe(true)
  })
})
