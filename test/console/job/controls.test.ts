import { expect, test } from 'vitest'
import { pauseOf } from '../../../src/console/pages/job/controls.ts'

const event = (type: 'STARTED' | 'PAUSED' | 'RESUMED' | 'UPDATED', version: number) => ({
  type,
  version,
  time: '2026-03-01T06:00:00Z',
  status: 'PAUSED' as const,
  cause: 'USER' as const,
  actor: 'anna',
  reason: null,
  changed: [],
})
const paused = { status: 'PAUSED' } as const

test('the pause of a job is the last one of its history', () => {
  const history = [event('PAUSED', 3), event('RESUMED', 4), event('PAUSED', 5), event('UPDATED', 6)]
  expect(pauseOf(paused, history)?.version).toBe(5)
})

test('a job that goes on, or whose history is older than its status, has no pause', () => {
  expect(pauseOf({ status: 'RUNNING' }, [event('PAUSED', 3)])).toBeUndefined()
  expect(pauseOf(paused, [event('PAUSED', 3), event('RESUMED', 4)])).toBeUndefined()
  expect(pauseOf(paused, [event('STARTED', 2)])).toBeUndefined()
  expect(pauseOf(paused, null)).toBeUndefined()
})
