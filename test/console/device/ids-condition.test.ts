import { expect, test } from 'vitest'
import { idsCondition, whyTooLong } from '../../../src/console/device/ids-condition.ts'
import { parseCondition } from '../../../src/query/parser.ts'

test('devices are named by their IDs, whatever signs are in them', () => {
  expect(idsCondition(['a', "O'Brien"])).toBe("deviceId IN ['a', 'O\\'Brien']")
})

test('a condition is short enough exactly if the hub takes it', () => {
  const isShortEnough = (condition: string) => whyTooLong(condition, 'Select fewer.') === undefined
  const ids = Array.from({ length: 900 }, (_, index) => `d${index}`)
  const most = ids.findLastIndex((_, index) => isShortEnough(idsCondition(ids.slice(0, index + 1)))) + 1
  expect(most).toBeGreaterThan(500)
  expect(() => parseCondition(idsCondition(ids.slice(0, most)))).not.toThrow()
  const last = 'x'.repeat(8192 - idsCondition([...ids.slice(0, most - 1), '']).length)
  const longest = idsCondition([...ids.slice(0, most - 1), last])
  expect(isShortEnough(longest)).toBe(true)
  expect(() => parseCondition(longest)).not.toThrow()
  const tooLong = idsCondition([...ids.slice(0, most - 1), `${last}x`])
  expect(whyTooLong(tooLong, 'Select fewer.')).toBe(
    'The IDs of so many devices are too long for a condition. Select fewer.',
  )
  expect(() => parseCondition(tooLong)).toThrow()
})
