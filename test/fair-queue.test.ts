import { expect, test } from 'vitest'
import { systemClock } from '../src/clock.ts'
import { type Pacing, type TurnLimits, takeTurns, takeTurnsInOrder } from '../src/fair-queue.ts'
import { createTestClock } from './support/clock.ts'

/** Work that goes on until it is ended, and which of it has begun. */
function createWork(
  turns: TurnLimits,
  pacing: Pacing = { clock: systemClock, heavy: { fromMs: 1, msPerSecond: 1e9 } },
) {
  const turn = takeTurns(turns, pacing)
  const begun: string[] = []
  const ends = new Map<string, (fail?: boolean) => void>()
  return {
    begun,
    waiting: turn.waiting,
    /** Called `a1` for the caller `a`. */
    ask: (name: string, signal?: AbortSignal) =>
      turn(
        name.slice(0, 1),
        () =>
          new Promise<string>((resolve, reject) => {
            begun.push(name)
            ends.set(name, (fail = false) => (fail ? reject(new Error(name)) : resolve(name)))
          }),
        signal,
      ),
    end: (name: string, fail?: boolean) => ends.get(name)?.(fail),
  }
}

test('so many go on at a time, the others follow in the order in which they came, and who finds the line full is turned away', async () => {
  const { ask, begun, end, waiting } = createWork({ most: 2, each: 2, waiting: 2 })
  const [a1, a2, a3, a4] = ['a1', 'a2', 'a3', 'a4'].map((name) => ask(name))
  expect(await ask('a5')).toBeUndefined()
  expect(begun).toEqual(['a1', 'a2'])
  expect(waiting()).toBe(2)

  end('a2')
  expect(await a2).toBe('a2')
  expect(begun).toEqual(['a1', 'a2', 'a3'])

  end('a1', true)
  await expect(a1).rejects.toThrow('a1')
  expect(begun).toEqual(['a1', 'a2', 'a3', 'a4'])

  end('a3')
  end('a4')
  expect(await Promise.all([a3, a4])).toEqual(['a3', 'a4'])
  const again = [ask('a6'), ask('a7')]
  expect(begun.slice(4)).toEqual(['a6', 'a7'])
  end('a6')
  end('a7')
  await Promise.all(again)
  expect(waiting()).toBe(0)
})

test('one caller leaves turns to others, and whoever has least under way comes next', async () => {
  const { ask, begun, end } = createWork({ most: 3, each: 2, waiting: 10 })
  const all = ['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1'].map((name) => ask(name))
  expect(begun).toEqual(['a1', 'a2', 'b1'])
  end('a1')
  await all[0]
  expect(begun.slice(3)).toEqual(['c1'])
  end('a2')
  await all[1]
  expect(begun.slice(4)).toEqual(['a3'])
  end('c1')
  await all[6]
  // Both have one under way, and a had a turn since b had.
  expect(begun.slice(5)).toEqual(['b2'])
  for (const name of ['b1', 'b2', 'a3']) end(name)
  await Promise.all([all[2], all[4], all[5]])
  end('a4')
  await Promise.all(all)
})

test('who has gone gives the place in the line up at once', async () => {
  const { ask, begun, end } = createWork({ most: 1, each: 1, waiting: 1 })
  const first = ask('a1')
  const gone = new AbortController()
  const second = ask('a2', gone.signal)
  expect(await ask('a3')).toBeUndefined()
  gone.abort()
  expect(await second).toBeUndefined()
  expect(await ask('a4', gone.signal)).toBeUndefined()
  const fifth = ask('a5')
  end('a1')
  await first
  expect(begun).toEqual(['a1', 'a5'])
  end('a5')
  await fifth
})

const heavy = { fromMs: 20, msPerSecond: 500 }

test('a caller with heavy work waits between its turns until it is within its budget, and other callers do not', async () => {
  const clock = createTestClock()
  const { ask, begun, end } = createWork({ most: 4, each: 2, waiting: 10 }, { clock, heavy })
  const first = ask('a1')
  clock.advance(900)
  end('a1')
  await first
  // Of 900 ms, the 500 that were left and another 400 are used, and those take 800 ms to come back.
  const all = ['a2', 'a3', 'b1'].map((name) => ask(name))
  expect(begun).toEqual(['a1', 'b1'])
  clock.advance(799)
  await clock.giveWay()
  expect(begun).toEqual(['a1', 'b1'])
  clock.advance(1)
  await clock.giveWay()
  // One at a time.
  expect(begun).toEqual(['a1', 'b1', 'a2'])
  end('a2')
  await all[0]
  expect(begun).toEqual(['a1', 'b1', 'a2', 'a3'])
  end('a3')
  end('b1')
  await Promise.all(all)
})

test('the rest of a caller is over in time, however long its work took and whoever rests longer', async () => {
  const clock = createTestClock()
  const { ask, begun, end } = createWork({ most: 4, each: 2, waiting: 10 }, { clock, heavy })
  const [a1, b1] = [ask('a1'), ask('b1')]
  clock.advance(600)
  end('b1')
  await b1
  clock.advance(60_000)
  end('a1')
  await a1
  const b2 = ask('b2')
  clock.advance(700)
  end('b2')
  await b2
  const all = ['a3', 'b3'].map((name) => ask(name))
  expect(begun).toEqual(['a1', 'b1', 'b2'])
  clock.advance(400)
  await clock.giveWay()
  expect(begun.slice(3)).toEqual(['b3'])
  clock.advance(900)
  await clock.giveWay()
  expect(begun.slice(4)).toEqual(['a3'])
  end('a3')
  end('b3')
  await Promise.all(all)
})

test('a caller whose work is light never waits, however much it is', async () => {
  const clock = createTestClock()
  const { ask, begun, end } = createWork({ most: 4, each: 2, waiting: 10 }, { clock, heavy })
  for (let round = 0; round < 100; round++) {
    const [one, other] = [ask(`a${round}`), ask(`a${round}b`)]
    expect(begun).toHaveLength(2 * round + 2)
    clock.advance(19)
    end(`a${round}`)
    end(`a${round}b`)
    await Promise.all([one, other])
  }
})

test('the first work of a caller can run alone, so that two long ones do not begin together', async () => {
  const clock = createTestClock()
  const { ask, begun, end } = createWork({ most: 4, each: 2, waiting: 10, firstAlone: 2_000 }, { clock, heavy })
  const names = ['a1', 'a2', 'a3', 'b1', 'b2', 'b3']
  const all = new Map(names.map((name) => [name, ask(name)]))
  const endOf = async (name: string): Promise<void> => {
    end(name)
    await all.get(name)
  }
  expect(begun).toEqual(['a1', 'b1'])
  clock.advance(5)
  await endOf('b1')
  expect(begun.slice(2)).toEqual(['b2', 'b3'])
  clock.advance(400)
  await endOf('a1')
  expect(begun.slice(4)).toEqual(['a2'])
  for (const name of ['a2', 'a3', 'b2', 'b3']) await endOf(name)
})

test('the other work of a caller waits for its first no longer than that', async () => {
  const clock = createTestClock()
  const { ask, begun, end } = createWork({ most: 4, each: 2, waiting: 10, firstAlone: 2_000 }, { clock, heavy })
  const all = ['a1', 'a2'].map((name) => ask(name))
  clock.advance(1_999)
  await clock.giveWay()
  expect(begun).toEqual(['a1'])
  clock.advance(1)
  await clock.giveWay()
  expect(begun).toEqual(['a1', 'a2'])
  for (const name of ['a1', 'a2']) end(name)
  await Promise.all(all)
})

test('waiting work whose caller rests can be given up', async () => {
  const clock = createTestClock()
  const { ask, begun, end } = createWork({ most: 4, each: 2, waiting: 10 }, { clock, heavy })
  const first = ask('a1')
  clock.advance(2_000)
  end('a1')
  await first
  const gone = new AbortController()
  const [second, third] = [ask('a2', gone.signal), ask('a3')]
  gone.abort()
  expect(await second).toBeUndefined()
  clock.advance(2_000)
  await clock.giveWay()
  expect(begun).toEqual(['a1', 'a3'])
  end('a3')
  await third
})

test('in one line all wait in the order in which they came, also when one before them fails', async () => {
  const turn = takeTurnsInOrder(2)
  const begun: number[] = []
  const ends: (() => void)[] = []
  const work = (index: number) => () =>
    new Promise<number>((resolve, reject) => {
      begun.push(index)
      ends[index] = () => (index === 1 ? reject(new Error('failed')) : resolve(index))
    })
  const all = Array.from({ length: 1000 }, (_, index) => turn(work(index)))
  expect(begun).toEqual([0, 1])

  ends[1]?.()
  await expect(all[1]).rejects.toThrow('failed')
  expect(begun).toEqual([0, 1, 2])

  for (let index = 0; index < 1000; index++) {
    if (index === 1) continue
    ends[index]?.()
    expect(await all[index]).toBe(index)
  }
  expect(begun).toEqual(Array.from({ length: 1000 }, (_, index) => index))
})
