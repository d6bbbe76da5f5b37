import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { throttle } from '../../../src/console/pages/job/throttle.ts'

describe('throttled work', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('is done once for all who ask within the pace', async () => {
    const work = vi.fn(async () => {})
    const { wake } = throttle(work, 1_000)
    wake()
    wake()
    await vi.advanceTimersByTimeAsync(200)
    expect(work).toHaveBeenCalledTimes(1)
    wake()
    wake()
    await vi.advanceTimersByTimeAsync(500)
    expect(work).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(500)
    expect(work).toHaveBeenCalledTimes(2)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(work).toHaveBeenCalledTimes(2)
  })

  it('is done once more when it is asked for while it is done, and never twice at the same time', async () => {
    let underWay = 0
    let most = 0
    const work = vi.fn(async () => {
      underWay += 1
      most = Math.max(most, underWay)
      await new Promise((resolve) => setTimeout(resolve, 3_000))
      underWay -= 1
    })
    const { wake } = throttle(work, 1_000)
    wake()
    await vi.advanceTimersByTimeAsync(1_500)
    wake()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(work).toHaveBeenCalledTimes(2)
    expect(most).toBe(1)
  })

  it('is not done any more when it is stopped, until it is asked for again', async () => {
    const work = vi.fn(async () => {})
    const { wake, stop } = throttle(work, 1_000)
    wake()
    stop()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(work).not.toHaveBeenCalled()
    wake()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(work).toHaveBeenCalledTimes(1)
  })
})
