import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  isFiltered,
  noFilter,
  outcomes,
  readFilter,
  toAuditFilter,
  writeFilter,
} from '../../../src/console/pages/audit/filter.ts'

const moments = fc.option(
  fc
    .date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
    .map((at) => at.toISOString()),
  { nil: undefined },
)
const filters = fc.record({
  actor: fc.string({ unit: 'grapheme' }),
  target: fc.string({ unit: 'grapheme' }),
  operation: fc.array(fc.stringMatching(/^[a-z]\w{0,9}$/), { maxLength: 3 }),
  outcome: fc.option(fc.constantFrom(...outcomes.map(({ value }) => value)), { nil: undefined }),
  from: moments,
  to: moments,
})

test('what is written into the address is read from it again', () => {
  fc.assert(
    fc.property(filters, (filter) => {
      const address = writeFilter(filter, new URLSearchParams()).toString()
      expect(readFilter(new URLSearchParams(address))).toEqual(filter)
    }),
  )
})

test('an address can be read by people, and keeps what else it has', () => {
  const filter = { ...noFilter, actor: 'Anna', operation: ['updateTwin', 'replaceTwin'], outcome: 'DENIED' as const }
  expect(writeFilter(filter, new URLSearchParams('theme=dark')).toString()).toBe(
    'theme=dark&actor=Anna&operation=updateTwin%2CreplaceTwin&outcome=denied',
  )
})

test('values that are not valid are ignored', () => {
  expect(readFilter(new URLSearchParams('outcome=good&from=soon&to=2026-13-01T00:00'))).toEqual(noFilter)
})

test('the query has what the filter selects', () => {
  const filter = {
    actor: 'Anna & co',
    target: 'pump-1',
    operation: ['updateTwin', 'readKeys'],
    outcome: 'REFUSED' as const,
    from: '2026-11-01T00:00:00.000Z',
    to: undefined,
  }
  expect(toAuditFilter(filter)).toEqual({
    actor: 'Anna & co',
    target: 'pump-1',
    operation: ['updateTwin', 'readKeys'],
    outcome: ['REFUSED'],
    time: { from: '2026-11-01T00:00:00.000Z', to: null },
  })
  expect([toAuditFilter(noFilter), isFiltered(noFilter)]).toEqual([{}, false])
  expect(isFiltered(filter)).toBe(true)
})
