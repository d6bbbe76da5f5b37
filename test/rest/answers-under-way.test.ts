import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { longRequestBytes } from '../../src/limits/long-turns.ts'
import { maxTwinBytes } from '../../src/twin/size-limit.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { givenDevices, givenMethodJob } from '../support/rows.ts'
import { openDoor, type TestDoor } from './door.ts'

// Room for one page of a caller at a time, which is as much as one twin needs.

const small = { twinBytes: 32 * 1024, twinMembers: 1024 }
const bytes = maxTwinBytes(small)

let clock: TestClock
let door: TestDoor
beforeAll(async () => {
  clock = createTestClock()
  door = await openDoor({ clock, limits: { ...small, answersBytes: bytes, pageBytes: bytes } })
  await givenDevices(door.deps, 'pump', 1)
  await givenMethodJob(door.deps, 'pump', {}, { jobId: 'job-1', startTime: new Date(clock.now().getTime() + 60_000) })
})
afterAll(() => door.close())

const pages = [
  'POST /devices/query',
  'GET /jobs/v2/query',
  'GET /devices',
  'GET /twins/pump-0001',
  'PATCH /twins/pump-0001',
  'PUT /twins/pump-0001',
  'GET /jobs/v2/job-1',
] as const
const ask = (page: (typeof pages)[number], leave: (act: () => void) => void, token?: string) =>
  door.ask(page, {
    whenAnswered: leave,
    ...(page === 'POST /devices/query' && { body: { query: 'SELECT * FROM devices' } }),
    ...(page.includes('/twins/') && !page.startsWith('GET') && { body: { tags: { site: 'north' } } }),
    ...(token !== undefined && { token }),
  })

test.each(pages)('%s waits until the answer before it, to the same caller, has left', async (page) => {
  let leave = (): void => {}
  const first = await ask('POST /devices/query', (act) => {
    leave = act
  })
  expect(first.status).toBe(200)
  const told: string[] = []
  const next = ask(page, (act) => act()).then((answer) => {
    told.push('next')
    return answer
  })
  // Other callers need not wait, nor what has no documents.
  const other = await door.token(page === 'GET /devices' ? 'registryRead' : 'service')
  expect((await ask(page, (act) => act(), other)).status).toBe(200)
  expect((await door.ask('GET /statistics/devices', { whenAnswered: (act) => act() })).status).toBe(200)
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

test('a large request takes a turn of its caller to be parsed and another to be handled, and a small one takes none', async () => {
  const take = vi.spyOn(door.deps.longTurns, 'take')
  const patch = async (value: string): Promise<readonly string[]> => {
    take.mockClear()
    const body = { tags: { parts: value.match(/.{1,4000}/g) } }
    expect((await door.ask('PATCH /twins/pump-0001', { body, whenAnswered: (act) => act() })).status).toBe(200)
    return take.mock.calls.map(([caller]) => caller)
  }
  const [caller, ...others] = await patch('x'.repeat(longRequestBytes))
  expect(caller).toMatch(/iothubowner.* at /)
  expect(others).toEqual([caller])
  expect(await patch('x'.repeat(longRequestBytes / 2))).toEqual([])
  take.mockRestore()
})

test.each(pages)('%s is passed with the bytes of its body before it is sent', async (page) => {
  const { answerRoom } = door.deps
  const { enter } = answerRoom
  const passed: number[] = []
  let isSent = false
  const spy = vi.spyOn(answerRoom, 'enter').mockImplementation(async (...asked) => {
    const pass = async (bytes: number) => {
      passed.push(bytes)
      await clock.giveWay()
      expect(isSent).toBe(false)
    }
    return { ...(await enter(...asked)), pass }
  })
  const { text } = await ask(page, (act) => act())
  isSent = true
  spy.mockRestore()
  expect(passed).toEqual([Buffer.byteLength(text)])
})
