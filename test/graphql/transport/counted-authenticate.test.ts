import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createArrivals } from '../../../src/limits/arrivals.ts'
import { defaultLimits } from '../../../src/limits/limits.ts'
import { createTestClock } from '../../support/clock.ts'
import { openDoor } from '../door.ts'
import { openPort } from './sockets.ts'

test('bad tokens of WebSockets count for their address, and a token that was accepted before is always checked', async () => {
  const deps = {
    clock: createTestClock(),
    log: pino({ level: 'silent' }),
    limits: { ...defaultLimits, addressFailures: 1 },
  }
  const counted = createArrivals(deps)
  let pauses = 0
  const pause = async (): Promise<void> => {
    pauses++
  }
  const door = await openDoor({ anonymous: undefined, arrivals: { ...counted, pause } })
  const port = await openPort(door)
  const connect = async (authorization: string) => {
    const socket = await port.socket()
    socket.send({ type: 'connection_init', payload: { authorization } })
    return Promise.race([socket.next(), socket.closed])
  }
  const good = await door.token('service')
  const unknown = await door.token('registryRead')
  expect(await connect(good)).toMatchObject({ type: 'connection_ack' })
  for (let times = 0; times < 10; times++) expect(await connect('bad')).toEqual({ code: 4401, reason: 'TOKEN_INVALID' })
  expect(pauses).toBe(0)
  // It was not checked: clients try again.
  expect(await connect(unknown)).toEqual({ code: 4403, reason: 'Forbidden' })
  expect(pauses).toBe(1)
  expect(await connect(good)).toMatchObject({ type: 'connection_ack' })
  expect(counted.mayTry('127.0.0.1', 'other')).toBe(false)
  await port.close()
  await door.close()
})
