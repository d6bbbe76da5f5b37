import { describe, expect, test } from 'vitest'
import { createOutlet, entered } from '../../../src/graphql/transport/outlet.ts'

describe('an outlet', () => {
  test('lets four in at a time, and the others in their order as those leave', () => {
    const outlet = createOutlet(() => 0, 100)
    const started: number[] = []
    const enter = (name: number) => outlet.enter(() => started.push(name))
    expect([1, 2, 3, 4, 5, 6].map(enter)).toEqual([true, true, true, true, false, false])
    outlet.leave()
    expect(started).toEqual([5])
    outlet.leave()
    expect(started).toEqual([5, 6])
  })

  test('lets nobody in while too much waits to leave, and tells who waits when it has left', () => {
    let waiting = 100
    const outlet = createOutlet(() => waiting, 100)
    const started: number[] = []
    expect(outlet.hasRoom()).toBe(false)
    expect(outlet.enter(() => started.push(1))).toBe(false)
    outlet.relieve()
    expect(started).toEqual([])
    waiting = 99
    outlet.relieve()
    expect(started).toEqual([1])
  })

  test('lets nobody past those who wait', () => {
    let waiting = 100
    const outlet = createOutlet(() => waiting, 100)
    outlet.enter(() => {})
    waiting = 0
    expect(outlet.hasRoom()).toBe(false)
    expect(outlet.enter(() => {})).toBe(false)
  })

  test('does not call who has gone', () => {
    let waiting = 100
    const outlet = createOutlet(() => waiting, 100)
    const started: number[] = []
    const start = () => started.push(1)
    outlet.enter(start)
    outlet.withdraw(start)
    waiting = 0
    outlet.relieve()
    expect(started).toEqual([])
    expect(outlet.hasRoom()).toBe(true)
  })
})

describe('who waits for room', () => {
  test('enters when there is some', async () => {
    let waiting = 100
    const outlet = createOutlet(() => waiting, 100)
    const waited = entered(outlet, new AbortController().signal)
    waiting = 0
    outlet.relieve()
    expect(await waited).toBe(true)
  })

  test('gives up with its client, and takes no room', async () => {
    let waiting = 100
    const outlet = createOutlet(() => waiting, 100)
    const gone = new AbortController()
    const waited = entered(outlet, gone.signal)
    gone.abort()
    expect(await waited).toBe(false)
    expect(await entered(outlet, gone.signal)).toBe(false)
    waiting = 0
    expect([1, 2, 3, 4, 5].map(() => outlet.enter(() => {}))).toEqual([true, true, true, true, false])
  })
})
