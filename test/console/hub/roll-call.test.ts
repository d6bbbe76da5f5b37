import { describe, expect, test } from 'vitest'
import { createRollCall } from '../../../src/console/hub/roll-call.ts'

describe('objects that are followed', () => {
  const names = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `pump-${from + index}`)
  const initial = (ids: readonly string[]) => ({ initial: true, ids, deleted: [] })

  test('are deleted when the hub says so', () => {
    const callRoll = createRollCall()
    expect(callRoll(['a'], { initial: false, ids: [], deleted: ['a', 'b'] })).toEqual(['a', 'b'])
  })

  test('were deleted when the present state does not hold them, each time that it comes', () => {
    const callRoll = createRollCall()
    const followed = names(0, 150)
    expect(callRoll(followed, initial(names(0, 100)))).toEqual([])
    expect(callRoll(followed, initial(names(100, 149)))).toEqual(['pump-149'])
    expect(callRoll(followed, { initial: false, ids: ['pump-3'], deleted: [] })).toEqual([])
    expect(callRoll(followed, initial(names(1, 101)))).toEqual([])
    expect(callRoll(followed, initial(names(101, 150)))).toEqual(['pump-0'])
  })
})
