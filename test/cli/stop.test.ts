import { expect, test } from 'vitest'
import { createStop } from '../../src/cli/stop.ts'

test('the first signal stops, a second one hurries, and one that npm passes on is not a second one', () => {
  let time = 1_000
  const { signal, hurry, interrupt } = createStop(() => time)
  expect([signal.aborted, hurry.aborted]).toEqual([false, false])
  interrupt('SIGINT')
  expect([signal.aborted, hurry.aborted]).toEqual([true, false])
  expect(signal.reason).toMatchObject({ name: 'Interrupted', signal: 'SIGINT' })
  time += 500
  interrupt('SIGINT')
  expect(hurry.aborted).toBe(false)
  time += 1
  interrupt('SIGTERM')
  expect(hurry.aborted).toBe(true)
  expect(signal.reason).toMatchObject({ signal: 'SIGINT' })
})
