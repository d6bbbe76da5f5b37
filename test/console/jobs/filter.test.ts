import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  isFiltered,
  readFilter,
  statuses,
  toJobFilter,
  toUpdateFilter,
  types,
  writeFilter,
} from '../../../src/console/pages/jobs/filter.ts'

const nothing = { status: [], type: [], idPrefix: '' }
const inOrder = <Value>(words: readonly { readonly value: Value }[]) => fc.subarray(words.map(({ value }) => value))
const filters = fc.record({
  status: inOrder(statuses),
  type: inOrder(types),
  idPrefix: fc.string({ unit: 'grapheme' }),
})

test('what is written into the address is read from it again', () => {
  fc.assert(
    fc.property(filters, (filter) => {
      const address = writeFilter(filter, new URLSearchParams()).toString()
      expect(readFilter(new URLSearchParams(address))).toEqual(filter)
    }),
  )
})

test('an address can be read by people', () => {
  const filter = {
    status: ['RUNNING', 'QUEUED'] as const,
    type: ['SCHEDULE_UPDATE_TWIN'] as const,
    idPrefix: 'reboot-',
  }
  expect(writeFilter(filter, new URLSearchParams()).toString()).toBe('status=queued%2Crunning&type=twin&id=reboot-')
})

test('what an address says that is not known is passed over, in whatever way it is spelt', () => {
  const read = (text: string) => readFilter(new URLSearchParams(text))
  expect(read('status=RUNNING,broken&status=failed&type=&other=1')).toEqual({
    status: ['RUNNING', 'FAILED'],
    type: [],
    idPrefix: '',
  })
  expect(read('status=,,&type=everything')).toEqual(nothing)
})

test('an empty filter leaves no trace in the address, and what else stands there stays', () => {
  const present = new URLSearchParams('status=running&id=a&other=1')
  expect(writeFilter(nothing, present).toString()).toBe('other=1')
})

test('the query is asked for what the filter names and for nothing else', () => {
  expect(toJobFilter(nothing)).toEqual({})
  expect(toJobFilter({ status: ['FAILED'], type: ['SCHEDULE_DEVICE_METHOD'], idPrefix: 'a' })).toEqual({
    status: ['FAILED'],
    type: ['SCHEDULE_DEVICE_METHOD'],
    jobIdPrefix: 'a',
  })
})

test('the subscription is asked for all statuses, so that a row learns that its job has left the filter', () => {
  expect(toUpdateFilter({ status: ['RUNNING'], type: [], idPrefix: 'a' })).toEqual({ jobIdPrefix: 'a' })
})

test('a filter filters when it leaves anything out', () => {
  expect(isFiltered(nothing)).toBe(false)
  expect(isFiltered({ ...nothing, idPrefix: ' ' })).toBe(true)
  expect(isFiltered({ ...nothing, type: ['SCHEDULE_UPDATE_TWIN'] })).toBe(true)
})
