import { describe, expect, it } from 'vitest'
import {
  answersOf,
  errorsOf,
  firstChoice,
  partsToRetry,
  selectionOf,
} from '../../../src/console/pages/job/retry-choice.ts'

const group = (code: string, count: number, responseStatus: number | null = null) => ({
  code,
  message: `${code} in words`,
  responseStatus,
  count,
  share: count / 100,
  sample: [],
})

const timeout = group('GatewayTimeout', 3)
const missing = group('DeviceNotFound', 5)
const busy = group('DeviceResponse', 7, 409)
const broken = group('DeviceResponse', 2, 500)
const groups = [busy, missing, timeout, { ...timeout, message: 'another', count: 4 }, broken]

const statistics = {
  deviceCount: 100,
  pendingCount: 0,
  runningCount: 0,
  succeededCount: 80,
  refusedCount: 9,
  failedCount: 12,
  cancelledCount: 8,
}

describe('what can be retried', () => {
  it('are the errors by their codes, whatever their messages, the most frequent first', () => {
    expect(errorsOf(groups)).toEqual([
      { code: 'GatewayTimeout', count: 7 },
      { code: 'DeviceNotFound', count: 5 },
    ])
  })

  it('are the answers by their statuses', () => {
    expect(answersOf(groups)).toEqual([
      { status: 409, count: 7 },
      { status: 500, count: 2 },
    ])
  })

  it('are the parts that have devices', () => {
    expect(partsToRetry(statistics, groups).map(({ part, count }) => [part, count])).toEqual([
      ['unsuccessful', 21],
      ['failed', 12],
      ['errors', 12],
      ['answers', 9],
      ['cancelled', 8],
      ['unfinished', 29],
      ['all', 100],
    ])
    expect(
      partsToRetry({ ...statistics, succeededCount: 100, refusedCount: 0, failedCount: 0, cancelledCount: 0 }, []).map(
        ({ part }) => part,
      ),
    ).toEqual(['all'])
  })

  it('offers a choice of errors only where there are several', () => {
    expect(partsToRetry(statistics, [timeout]).map(({ part }) => part)).not.toContain('errors')
  })
})

describe('what is chosen at first', () => {
  it('is what failed or refused', () => {
    expect(firstChoice(statistics, groups).part).toBe('unsuccessful')
    expect(firstChoice({ ...statistics, refusedCount: 0 }, [timeout, missing]).part).toBe('failed')
  })

  it('is what answered with a failure, where nothing failed', () => {
    const none = { ...statistics, failedCount: 0, succeededCount: 100, cancelledCount: 0 }
    expect(firstChoice(none, [busy])).toMatchObject({ part: 'answers', responseStatuses: [409] })
  })

  it('is the group from which one comes, and no other', () => {
    expect(selectionOf(firstChoice(statistics, groups, missing))).toEqual({
      status: ['FAILED'],
      errorCode: ['DeviceNotFound'],
    })
    expect(selectionOf(firstChoice(statistics, groups, broken))).toEqual({
      status: ['COMPLETED'],
      responseStatus: [500],
    })
  })
})

describe('a choice for the hub', () => {
  const choice = firstChoice(statistics, groups)

  it('names the statuses of its part', () => {
    expect(selectionOf({ ...choice, part: 'unsuccessful' })).toEqual({ result: ['FAILED', 'REFUSED'] })
    expect(selectionOf({ ...choice, part: 'failed' })).toEqual({ status: ['FAILED'] })
    expect(selectionOf({ ...choice, part: 'cancelled' })).toEqual({ status: ['CANCELLED'] })
    expect(selectionOf({ ...choice, part: 'unfinished' })).toEqual({ result: ['FAILED', 'REFUSED', 'CANCELLED'] })
    expect(selectionOf({ ...choice, part: 'all' })).toEqual({ status: ['FAILED', 'CANCELLED', 'COMPLETED'] })
  })

  it('is none when nothing of a part is ticked', () => {
    expect(selectionOf({ ...choice, part: 'errors', errorCodes: [] })).toBeUndefined()
    expect(selectionOf({ ...choice, part: 'answers', responseStatuses: [] })).toBeUndefined()
  })
})
