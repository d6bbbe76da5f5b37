import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createEvents } from '../../src/events/events.ts'
import { loop, type Step, type Turn } from '../../src/scheduler/loop.ts'
import { createTestClock } from '../support/clock.ts'

/** A loop whose turns the test answers one by one. */
function start(step: Partial<Step> = {}) {
  const machine = { isClockRight: true }
  const clock = createTestClock()
  const events = createEvents(clock)
  const turns: { now: Date; answer(turn: Partial<Turn>): void; fail(error: Error): void }[] = []
  const waiting: (() => void)[] = []
  const errors: string[] = []
  const log = pino({ level: 'error' }, { write: (line: string) => errors.push(line) })
  const stopping = new AbortController()
  const running = loop(
    {
      name: 'test',
      every: 1_000,
      wokenBy: ['jobs'],
      run: (now) =>
        new Promise((resolve, reject) => {
          turns.push({ now, answer: (turn) => resolve({ done: 0, full: false, ...turn }), fail: reject })
          for (const resume of waiting.splice(0)) resume()
        }),
      ...step,
    },
    {
      clock,
      events,
      log,
      lease: { instanceId: 'this', holds: () => true, isClockRight: () => machine.isClockRight },
    },
    stopping.signal,
  )
  const nextTurn = async () => {
    while (turns.length === 0) await new Promise<void>((resolve) => waiting.push(resolve))
    const turn = turns.shift()
    if (turn === undefined) throw new Error('no turn')
    return turn
  }
  const stop = async () => {
    stopping.abort()
    await running
  }
  return { clock, events, errors, machine, nextTurn, stop, turns }
}

test('a full step runs again at once', async () => {
  const { clock, nextTurn, stop } = start()
  const begin = clock.now()
  for (const full of [true, true, false]) {
    const turn = await nextTurn()
    expect(turn.now).toEqual(begin)
    turn.answer({ full })
  }
  await stop()
})

test('a step that is not full rests for its interval', async () => {
  const { clock, nextTurn, stop } = start()
  const first = await nextTurn()
  first.answer({})
  await clock.asleep()
  clock.advance(1_000)
  const second = await nextTurn()
  expect(second.now.getTime() - first.now.getTime()).toBe(1_000)
  second.answer({})
  await stop()
})

test('a step with a date to keep does not sleep past it', async () => {
  const { clock, nextTurn, stop } = start()
  ;(await nextTurn()).answer({ next: new Date(clock.now().getTime() + 300) })
  await clock.asleep()
  clock.advance(300)
  const second = await nextTurn()
  expect(second.now).toEqual(clock.now())
  second.answer({})
  await stop()
})

test('work of its kind wakes a step, other work does not', async () => {
  const { clock, events, nextTurn, stop, turns } = start()
  ;(await nextTurn()).answer({})
  await clock.asleep()
  events.publish('work', 'settled', {})
  await new Promise(setImmediate)
  expect(turns).toHaveLength(0)
  events.publish('work', 'jobs', {})
  ;(await nextTurn()).answer({})
  await stop()
})

test('work that is announced during a turn is not lost', async () => {
  const { events, nextTurn, stop } = start()
  const turn = await nextTurn()
  events.publish('work', 'jobs', {})
  await new Promise(setImmediate)
  turn.answer({})
  const second = await nextTurn()
  expect(second.now).toEqual(turn.now)
  second.answer({})
  await stop()
})

test('a step that fails is logged, backs off and goes on', async () => {
  const { clock, errors, nextTurn, stop } = start()
  ;(await nextTurn()).fail(new Error('no database'))
  await clock.asleep()
  expect(errors).toHaveLength(1)
  expect(errors[0]).toContain('no database')
  clock.advance(200) // the longest first pause
  ;(await nextTurn()).answer({})
  await stop()
})

test('stopping waits for the turn in progress', async () => {
  const { nextTurn, stop } = start()
  const turn = await nextTurn()
  let stopped = false
  const stopping = stop().then(() => {
    stopped = true
  })
  await new Promise(setImmediate)
  expect(stopped).toBe(false)
  turn.answer({})
  await stopping
})

test('while the clock is wrong a step does nothing, and its turn comes when it is right again', async () => {
  const { clock, machine, nextTurn, stop, turns } = start()
  const first = await nextTurn()
  machine.isClockRight = false
  first.answer({ full: true })
  await clock.asleep()
  clock.advance(1_000)
  await clock.asleep()
  expect(turns).toEqual([])
  machine.isClockRight = true
  clock.advance(1_000)
  const next = await nextTurn()
  next.answer({})
  await stop()
})

test('the loops of a step poll once per interval together, and all of them are woken by work', async () => {
  const { clock, events, nextTurn, stop, turns } = start({ atOnce: 3 })
  for (let count = 0; count < 3; count++) (await nextTurn()).answer({})
  for (let count = 0; count < 3; count++) {
    await new Promise(setImmediate) // all of them sleep
    clock.advance(1_000)
    ;(await nextTurn()).answer({})
    await new Promise(setImmediate)
    expect(turns).toEqual([])
  }
  events.publish('work', 'jobs', {})
  for (let count = 0; count < 3; count++) (await nextTurn()).answer({})
  await stop()
})

test('while one loop of a step is busy, another polls', async () => {
  const { clock, nextTurn, stop } = start({ atOnce: 2 })
  const busy = await nextTurn()
  ;(await nextTurn()).answer({})
  await clock.asleep()
  clock.advance(1_000)
  ;(await nextTurn()).answer({})
  busy.answer({})
  await stop()
})
