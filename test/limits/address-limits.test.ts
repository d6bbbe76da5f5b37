import { expect, test } from 'vitest'
import {
  arrive,
  fail,
  isForgettable,
  leave,
  mayTry,
  networkOf,
  newAddress,
  openSocket,
} from '../../src/limits/address-limits.ts'

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2::6', '2001:db8:1:2::/64'],
  ['2001:db8::6', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
])('%s stands for %s', (address, network) => {
  expect(networkOf(address)).toBe(network)
})

const limits = { connections: 2, sockets: 1, newConnections: 1, failures: 1 }
const at = (now: number) => ({ limits, now })

test('one address may have so many connections open, on each port', () => {
  let record = newAddress(limits, 0)
  for (const port of ['a', 'a', 'b']) {
    const next = arrive(record, port, at(0))
    if (typeof next === 'string') throw new Error(next)
    record = next
  }
  expect(arrive(record, 'a', at(0))).toBe('connections')
  expect(arrive(leave(record, 'a'), 'a', at(0))).toBeTypeOf('object')
})

test('one address may have so many GraphQL WebSockets open, whatever it has at the ports', () => {
  const one = openSocket(newAddress(limits, 0), limits) ?? expect.fail()
  expect(openSocket(one, limits)).toBeUndefined()
  expect(arrive(one, 'a', at(0))).toBeTypeOf('object')
  expect(openSocket(leave(one, 'sockets'), limits)).toBeTypeOf('object')
})

test('one address may open ten seconds worth of connections at once, and then so many a second', () => {
  let record = newAddress(limits, 0)
  for (let count = 0; count < 10; count++) {
    const next = arrive(record, 'a', at(0))
    if (typeof next === 'string') throw new Error(next)
    record = leave(next, 'a')
  }
  expect(arrive(record, 'a', at(999))).toBe('new_connections')
  expect(arrive(record, 'a', at(1_000))).toBeTypeOf('object')
  expect(isForgettable(record, 9_999)).toBe(false)
  expect(isForgettable(record, 10_000)).toBe(true)
})

test('after many refused tokens others are looked at only so often', () => {
  let record = newAddress(limits, 0)
  for (let count = 0; count < 10; count++) {
    expect(mayTry(record, 0)).toBe(true)
    record = fail(record, 0)
  }
  expect([mayTry(record, 0), mayTry(record, 1_000), mayTry(fail(record, 1_000), 1_000)]).toEqual([false, true, false])
})
