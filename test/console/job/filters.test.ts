import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Filters,
  isFiltered,
  noFilters,
  readFilters,
  readStatuses,
  results,
  variablesOf,
  writeFilters,
} from '../../../src/console/pages/job/filters.ts'

const filtersOf = (address: string): Filters => readFilters(new URLSearchParams(address))

const newest = { key: 'end', direction: 'DESC' } as const
const oldest = { key: 'end', direction: 'ASC' } as const

const someFilters: fc.Arbitrary<Filters> = fc.record({
  result: fc.subarray([...results]),
  errorCode: fc.uniqueArray(fc.string({ minLength: 1 })),
  responseStatus: fc.uniqueArray(fc.integer({ min: -999_999_999, max: 999_999_999 })),
  condition: fc.string().map((text) => text.trim()),
  sort: fc.record({ key: fc.constantFrom('device', 'end'), direction: fc.constantFrom('ASC', 'DESC') }),
})

describe('the filters of the devices of a job, in the address', () => {
  it('are what they were when an address is read that was written', () => {
    fc.assert(
      fc.property(someFilters, (filters) => {
        const address = writeFilters(new URLSearchParams(), filters).toString()
        expect(filtersOf(address)).toEqual(filters)
      }),
    )
  })

  it('take the place of those that were there, and leave the rest of the address', () => {
    const search = new URLSearchParams('tab=all&result=FAILED&error=GatewayTimeout&sort=-end')
    const written = writeFilters(search, { ...noFilters, responseStatus: [409] })
    expect(written.toString()).toBe('tab=all&response=409')
  })

  it('are none for an empty address', () => {
    expect(filtersOf('')).toEqual(noFilters)
    expect(isFiltered(noFilters)).toBe(false)
  })

  it('leave out what makes no sense', () => {
    expect(filtersOf('result=DONE&result=FAILED&error=&response=ok&response=409&sort=up')).toEqual({
      ...noFilters,
      result: ['FAILED'],
      responseStatus: [409],
    })
  })

  it('do not count the order as a filter', () => {
    expect(isFiltered({ ...noFilters, sort: newest })).toBe(false)
    expect(isFiltered({ ...noFilters, condition: 'tags.a = 1' })).toBe(true)
  })
})

describe('the filters as the hub takes them', () => {
  it('hold nothing that is not asked for', () => {
    expect(variablesOf(noFilters)).toEqual({ filter: {}, orderBy: { field: 'DEVICE_ID', direction: 'ASC' } })
  })

  it('hold all that is', () => {
    const filters = filtersOf('result=FAILED&error=GatewayTimeout&response=500&where=tags.a+%3D+1&sort=-end')
    expect(variablesOf(filters)).toEqual({
      filter: {
        result: ['FAILED'],
        errorCode: ['GatewayTimeout'],
        responseStatus: [500],
        queryCondition: 'tags.a = 1',
      },
      orderBy: { field: 'END_TIME', direction: 'DESC' },
    })
    expect(variablesOf({ ...filters, sort: oldest }).orderBy).toEqual({ field: 'END_TIME', direction: 'ASC' })
  })
})

describe('the devices in the order of their ends', () => {
  it('are those that have ended', () => {
    expect(variablesOf({ ...noFilters, sort: newest }).filter).toEqual({
      result: ['SUCCEEDED', 'REFUSED', 'FAILED', 'CANCELLED'],
    })
    expect(variablesOf({ ...noFilters, sort: oldest, errorCode: ['GatewayTimeout'] }).filter).toEqual({
      result: ['SUCCEEDED', 'REFUSED', 'FAILED', 'CANCELLED'],
      errorCode: ['GatewayTimeout'],
    })
  })

  it('are others when those are asked for', () => {
    expect(variablesOf({ ...noFilters, sort: newest, result: ['RUNNING'] }).filter).toEqual({ result: ['RUNNING'] })
  })
})

describe('a text of statuses', () => {
  it('may have commas and blanks', () => {
    expect(readStatuses(' 200, 409  500,409')).toEqual([200, 409, 500])
    expect(readStatuses('')).toEqual([])
  })

  it('is refused when it holds anything else', () => {
    expect(readStatuses('2xx')).toBeUndefined()
    expect(readStatuses('200; 409')).toBeUndefined()
    expect(readStatuses('12345678901')).toBeUndefined()
  })
})
