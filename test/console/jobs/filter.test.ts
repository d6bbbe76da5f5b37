import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  isFiltered,
  noFilter,
  outcomes,
  readFilter,
  statuses,
  toJobFilter,
  toUpdateFilter,
  types,
  writeFilter,
} from '../../../src/console/pages/jobs/filter.ts'
import type { JobOutcome, JobStatus } from '../../../src/generated/console/graphql.ts'

const inOrder = <Value>(words: readonly { readonly value: Value }[]) => fc.subarray(words.map(({ value }) => value))
const filters = fc.record({
  status: inOrder(statuses),
  outcome: fc.constant<JobOutcome[]>([]),
  type: inOrder(types),
  text: fc.string({ unit: 'grapheme' }),
  idPrefix: fc.string({ unit: 'grapheme' }),
  labels: fc.uniqueArray(
    fc.constantFrom('team', 'team=north', 'a/b=c=d', 'x=', 'ü=ü').filter((label) => /^[a-z]/.test(label)),
  ),
})

const ended = fc.record({
  status: fc.constant<JobStatus[]>([]),
  outcome: inOrder(outcomes),
  type: inOrder(types),
  text: fc.string({ unit: 'grapheme' }),
  idPrefix: fc.string({ unit: 'grapheme' }),
  labels: fc.uniqueArray(
    fc.constantFrom('team', 'team=north', 'a/b=c=d', 'x=', 'ü=ü').filter((label) => /^[a-z]/.test(label)),
  ),
})

test('what is written into the address is read from it again', () => {
  fc.assert(
    fc.property(fc.oneof(filters, ended), (filter) => {
      const address = writeFilter(filter, new URLSearchParams()).toString()
      expect(readFilter(new URLSearchParams(address))).toEqual(filter)
    }),
  )
})

test('an address can be read by people', () => {
  const filter = {
    status: ['RUNNING', 'QUEUED'] as const,
    outcome: [],
    type: ['SCHEDULE_UPDATE_TWIN'] as const,
    text: 'night',
    idPrefix: 'reboot-',
    labels: ['team=north'],
  }
  expect(writeFilter(filter, new URLSearchParams()).toString()).toBe(
    'status=queued%2Crunning&type=twin&search=night&id=reboot-&label=team%3Dnorth',
  )
})

test('what an address says that is not known is passed over, in whatever way it is spelt', () => {
  const read = (text: string) => readFilter(new URLSearchParams(text))
  expect(read('status=RUNNING,broken&status=queued&type=&other=1')).toEqual({
    status: ['QUEUED', 'RUNNING'],
    outcome: [],
    type: [],
    text: '',
    idPrefix: '',
    labels: [],
  })
  expect(read('status=,,&type=everything')).toEqual(noFilter)
  // A job with an outcome is not running.
  expect(read('status=running&outcome=failed,Partly-Failed')).toEqual({
    ...noFilter,
    outcome: ['PARTIALLY_FAILED', 'FAILED'],
  })
})

test('an empty filter leaves no trace in the address, and what else stands there stays', () => {
  const present = new URLSearchParams('status=running&id=a&other=1')
  expect(writeFilter(noFilter, present).toString()).toBe('other=1')
})

test('the query is asked for what the filter names and for nothing else', () => {
  expect(toJobFilter(noFilter)).toEqual({})
  expect(toJobFilter({ ...noFilter, outcome: ['FAILED'], type: ['SCHEDULE_DEVICE_METHOD'], idPrefix: 'a' })).toEqual({
    outcome: ['FAILED'],
    type: ['SCHEDULE_DEVICE_METHOD'],
    jobIdPrefix: 'a',
  })
})

test('the subscription is asked for all statuses, so that a row learns that its job has left the filter', () => {
  const filter = { ...noFilter, outcome: ['FAILED'] as const, text: 'b', idPrefix: 'a' }
  expect(toUpdateFilter(filter)).toEqual({ search: 'b', jobIdPrefix: 'a' })
})

test('a filter filters when it leaves anything out', () => {
  expect(isFiltered(noFilter)).toBe(false)
  expect(isFiltered({ ...noFilter, idPrefix: ' ' })).toBe(true)
  expect(isFiltered({ ...noFilter, text: 'a' })).toBe(true)
  expect(isFiltered({ ...noFilter, labels: ['team'] })).toBe(true)
  expect(isFiltered({ ...noFilter, type: ['SCHEDULE_UPDATE_TWIN'] })).toBe(true)
})
