import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  byId,
  conditionOf,
  type DeviceList,
  faultIn,
  isFiltered,
  plainConditionOf,
  readAddress,
  writeAddress,
} from '../../../src/console/device/address.ts'
import { QueryConditionError } from '../../../src/errors.ts'
import { parseCondition } from '../../../src/query/parser.ts'

const everything: DeviceList = { condition: '', idPrefix: '', columns: [], sort: byId }
const read = (text: string) => readAddress(new URLSearchParams(text))

describe('the address', () => {
  test('says which devices and which columns', () => {
    const list: DeviceList = {
      condition: "tags.site = 'north'",
      idPrefix: 'pump-',
      columns: ['tags.building', 'properties.reported.fw'],
      sort: { key: 'id', direction: 'DESC' },
    }
    const search = writeAddress(list, new URLSearchParams('other=1'))
    expect(search.get('columns')).toBe('tags.building,properties.reported.fw')
    expect(readAddress(search)).toEqual(list)
    expect(search.get('other')).toBe('1')
  })

  test('without anything is the whole list, and the whole list leaves nothing in it', () => {
    expect(read('')).toEqual(everything)
    expect(read('condition=*')).toEqual(everything)
    expect(writeAddress(everything, new URLSearchParams('condition=a&id=b&columns=tags.c')).toString()).toBe('')
    expect(isFiltered(everything)).toBe(false)
  })

  test('passes over columns that are no paths of twins, twice the same, and more than three', () => {
    expect(read('columns=status,TAGS.a,tags.a,,properties.x.y,tags.b,tags.c,tags.d').columns).toEqual([
      'tags.a',
      'tags.b',
      'tags.c',
    ])
  })

  test('keeps whatever columns there are, also with commas and blanks in their names', () => {
    const name = fc.stringMatching(/^(?:[a-z]{1,3}|\[\[[a-z ,;]{0,2} ,?\]\])$/)
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 1, maxLength: 3 }), (names) => {
        const list = { ...everything, columns: names.map((one) => `tags.${one}`) }
        expect(readAddress(new URLSearchParams(writeAddress(list, new URLSearchParams()).toString()))).toEqual(list)
      }),
    )
  })
})

describe('the condition of the query', () => {
  test.each([
    [{}, '*'],
    [{ condition: 'tags.a = 1' }, 'tags.a = 1'],
    [{ idPrefix: "O'B\\" }, "STARTSWITH(deviceId, 'O\\'B\\\\')"],
    [
      { condition: 'tags.a = 1 OR tags.b = 2', idPrefix: 'p' },
      "(tags.a = 1 OR tags.b = 2) AND STARTSWITH(deviceId, 'p')",
    ],
  ])('of %j is %s', (list, condition) => {
    expect(plainConditionOf({ ...everything, ...list })).toBe(condition)
    expect(() => parseCondition(condition)).not.toThrow()
  })

  test('tells a fault in it at the place in what was typed', () => {
    const typed = { ...everything, condition: "tags.site == 'north'" }
    expect(faultAt(typed)).toEqual(faultAt({ ...typed, idPrefix: 'pump-' }))
    expect(faultAt(typed)).toEqual({ line: 1, column: 12 })
  })

  test('tells what is missing behind it at its end', () => {
    const list = { ...everything, condition: '(tags.a = 1', idPrefix: 'pump-' }
    expect(faultIn(list, { message: '', line: 3, column: 40 })).toEqual({ message: '', line: 1, column: 12 })
  })
})

/** The position at which the hub's own parser refuses the typed text. */
function faultAt(list: DeviceList): { line: number; column: number } {
  try {
    parseCondition(conditionOf(list))
  } catch (error) {
    if (!(error instanceof QueryConditionError)) throw error
    const { line, column } = faultIn(list, { message: '', line: error.line, column: error.column })
    return { line, column }
  }
  throw new Error('It parses.')
}
