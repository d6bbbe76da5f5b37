import { expect, test } from 'vitest'
import { type Answer, runEach, type Step } from '../../../src/console/pages/jobs/bulk/run-each.ts'

const items = Array.from({ length: 10 }, (_, index) => index)

/** Runs them, and returns how each ended. */
async function run(
  act: (item: number) => Promise<Answer>,
  { signal = new AbortController().signal, waits = [] as number[] } = {},
): Promise<Step['kind'][]> {
  const steps = new Map<number, Step>()
  await runEach(items, {
    act,
    signal,
    wait: async (seconds) => void waits.push(seconds),
    onStep: (item, step) => void steps.set(item, step),
  })
  return items.map((item) => steps.get(item)?.kind ?? 'waiting')
}

test('each item is sent once, four at a time', async () => {
  let underWay = 0
  const most: number[] = []
  const sent: number[] = []
  const kinds = await run(async (item) => {
    sent.push(item)
    most.push(++underWay)
    await Promise.resolve()
    underWay--
    return item === 3 ? { kind: 'refused', message: 'no' } : { kind: 'done' }
  })
  expect(sent).toEqual(items)
  expect(Math.max(...most)).toBe(4)
  expect(kinds).toEqual(items.map((item) => (item === 3 ? 'refused' : 'done')))
})

test('what the hub wants later is sent again then, up to ten times', async () => {
  const waits: number[] = []
  let tries = 0
  const later = { kind: 'later', seconds: 7, message: 'too many' } as const
  const kinds = await run(
    async (item) => {
      if (item === 0) return later
      return item === 1 && tries++ < 2 ? later : { kind: 'done' }
    },
    { waits },
  )
  expect(kinds).toEqual(items.map((item) => (item === 0 ? 'refused' : 'done')))
  expect(waits).toEqual(Array.from({ length: 11 }, () => 7))
})

test('after a stop, and without an answer, nothing more is sent', async () => {
  const stop = new AbortController()
  const stopped = await run(
    async (item) => {
      if (item === 2) stop.abort()
      return { kind: 'done' }
    },
    { signal: stop.signal },
  )
  expect(stopped.slice(4)).toEqual(items.slice(4).map(() => 'unsent'))
  expect(stopped.slice(0, 3)).toEqual(['done', 'done', 'done'])

  const lost = await run(async (item) =>
    item === 0 ? { kind: 'unknown', message: 'The hub did not answer.' } : { kind: 'done' },
  )
  expect(lost[0]).toBe('unknown')
  expect(lost.slice(4)).toEqual(items.slice(4).map(() => 'unsent'))
})
