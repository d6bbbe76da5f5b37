import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { givenDevices } from '../support/rows.ts'
import { openDoor, type TestDoor } from './door.ts'

// Room for one page of a caller at a time.

let clock: TestClock
let door: TestDoor
beforeAll(async () => {
  clock = createTestClock()
  door = await openDoor({ clock, limits: { answersBytes: 64 * 1024, pageBytes: 64 * 1024 } })
  await givenDevices(door.deps, 'pump', 1)
})
afterAll(() => door.close())

const pages = ['POST /devices/query', 'GET /jobs/v2/query', 'GET /devices'] as const
const ask = (page: (typeof pages)[number], leave: (act: () => void) => void, token?: string) =>
  door.ask(page, {
    whenAnswered: leave,
    ...(page.startsWith('POST') && { body: { query: 'SELECT * FROM devices' } }),
    ...(token !== undefined && { token }),
  })

test.each(pages)('%s: the next page of a caller waits until the one before has left', async (page) => {
  let leave = (): void => {}
  const first = await ask(page, (act) => {
    leave = act
  })
  expect(first.status).toBe(200)
  const told: string[] = []
  const next = ask(page, (act) => act()).then((answer) => {
    told.push('next')
    return answer
  })
  // Other callers need not wait, nor what is no page.
  const other = await door.token(page === 'GET /devices' ? 'registryRead' : 'service')
  expect((await ask(page, (act) => act(), other)).status).toBe(200)
  expect((await door.ask('GET /twins/pump-0001', { whenAnswered: (act) => act() })).status).toBe(200)
  expect(told).toEqual([])
  leave()
  expect((await next).status).toBe(200)
})

test('who waits too long for a turn is told to come again', async () => {
  let leave = (): void => {}
  await ask('POST /devices/query', (act) => {
    leave = act
  })
  const next = ask('POST /devices/query', (act) => act())
  let refused: Awaited<typeof next> | undefined
  void next.then((answer) => {
    refused = answer
  })
  while (refused === undefined) {
    clock.advance(1_000)
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1'])
  leave()
})
