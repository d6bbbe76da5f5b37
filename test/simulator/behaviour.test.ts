import { expect, test, vi } from 'vitest'
import { type Answering, answeringOf, type Behaviour, prepareAnswer } from '../../src/simulator/behaviour.ts'
import { startKeepAlive } from '../../src/simulator/keep-alive.ts'
import { backOffCap, drawBackOff, drawLatency } from '../../src/simulator/latency.ts'

test.each<[Answering, [number, string] | undefined]>([
  [{ kind: 'answer' }, [200, 'null']],
  [{ kind: 'answer', status: 202, payload: { ok: true } }, [202, '{"ok":true}']],
  [{ kind: 'answer', payload: null }, [200, 'null']],
  [{ kind: 'refuse', status: 404, payload: 'no such method' }, [404, '"no such method"']],
  [{ kind: 'silent' }, undefined],
])('%j is prepared', (answering, expected) => {
  const prepared = prepareAnswer(answering)
  expect(prepared && [prepared.status, prepared.payload.toString()]).toStrictEqual(expected)
})

test.each<[Behaviour, Answering]>([
  [{ kind: 'silent' }, { kind: 'silent' }],
  [{ kind: 'offline' }, { kind: 'answer' }],
  [{ kind: 'late', afterMs: 1, answering: { kind: 'silent' } }, { kind: 'silent' }],
  [
    { kind: 'flapping', upMs: 1, downMs: 1, answering: { kind: 'refuse', status: 500 } },
    { kind: 'refuse', status: 500 },
  ],
])('while it is connected, %j answers as it says', (behaviour, answering) => {
  expect(answeringOf(behaviour)).toStrictEqual(answering)
})

test('a latency is itself or lies between its bounds', () => {
  expect(drawLatency(70, () => 0.5)).toBe(70)
  expect([0, 0.5, 0.75].map((drawn) => drawLatency({ min: 10, max: 20 }, () => drawn))).toStrictEqual([10, 15, 17.5])
})

test('back-off doubles up to its cap and is drawn from the whole range', () => {
  const most = [0, 1, 2, 6, 7, 2000].map((failures) => drawBackOff(failures, () => 1))
  expect(most).toStrictEqual([100, 200, 400, 6400, backOffCap, backOffCap])
  expect(drawBackOff(3, () => 0)).toBe(0)
})

test.each([1, 7, 100])(
  'in half its keep-alive time each of %d devices is pinged once, and never all at one moment',
  (count) => {
    vi.useFakeTimers()
    try {
      const pings = Array.from({ length: count }, () => 0)
      const stop = startKeepAlive(
        pings.map((_, index) => ({ ping: () => void pings.splice(index, 1, (pings[index] ?? 0) + 1) })),
        20,
      )
      const pinged = (): number => pings.filter((count) => count > 0).length
      vi.advanceTimersByTime(1000)
      expect(pinged()).toBe(Math.floor(count / 10))
      vi.advanceTimersByTime(9000)
      expect(pings).toStrictEqual(pings.map(() => 1))
      vi.advanceTimersByTime(10_000)
      expect(pings).toStrictEqual(pings.map(() => 2))
      stop()
      vi.advanceTimersByTime(60_000)
      expect(pings).toStrictEqual(pings.map(() => 2))
    } finally {
      vi.useRealTimers()
    }
  },
)

test('without keep-alive nobody is pinged', () => {
  vi.useFakeTimers()
  try {
    const ping = vi.fn()
    startKeepAlive([{ ping }], 0)
    vi.advanceTimersByTime(3_600_000)
    expect(ping).not.toHaveBeenCalled()
  } finally {
    vi.useRealTimers()
  }
})
