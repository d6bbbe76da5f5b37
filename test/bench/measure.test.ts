import { expect, test } from 'vitest'
import { type Comparison, compare, measure } from '../../bench/measure.ts'
import { rowWith } from './rows.ts'

const conduct = { quick: false, rounds: 2, signal: new AbortController().signal, say: () => {} }

/** A comparison that notes which side ran, and counts its runs. */
function noted(): { comparison: Comparison; order: string[] } {
  const order: string[] = []
  const side = (name: string) => async () => ({ value: order.push(name), cpuMicros: {} })
  return { comparison: { ...rowWith(), ours: side('ours'), baseline: side('baseline') }, order }
}

test('the sides run in turn, and the first run of each is not counted', async () => {
  const { comparison, order } = noted()
  const row = await compare(conduct, comparison)
  expect(order).toEqual(['baseline', 'ours', 'baseline', 'ours', 'baseline', 'ours'])
  expect(row.baseline.map((run) => run.value)).toEqual([3, 5])
  expect(row.ours.map((run) => run.value)).toEqual([4, 6])
})

test('small sizes are not judged', async () => {
  expect((await compare({ ...conduct, quick: true }, noted().comparison)).limit).toBeUndefined()
})

test('nothing more is run once it is to stop', async () => {
  const stop = new AbortController()
  const { comparison, order } = noted()
  const stopping = { ...conduct, signal: stop.signal, say: () => stop.abort(new Error('stop')) }
  await expect(compare(stopping, comparison)).rejects.toThrow('stop')
  expect(order).toEqual(['baseline'])
})

test('CPU time is what a process used during the work, by operation', async () => {
  const used = { hub: 1_000, database: 0 }
  const meters = { hub: () => used.hub, database: async () => used.database }
  const { cpuMicros } = await measure(meters, 10, async () => {
    used.hub += 50
    used.database += 700
  })
  expect(cpuMicros).toEqual({ hub: 5, database: 70 })
})
