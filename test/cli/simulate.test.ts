import { expect, test } from 'vitest'
import { HubRefusedError, HubUnreachableError } from '../../src/cli/hub-errors.ts'
import { type Makeup, makeBehaviours } from '../../src/cli/simulate/behaviours.ts'
import { explain } from '../../src/cli/simulate/explain.ts'
import { settingsOf } from '../../src/cli/simulate/settings.ts'
import { statusLine } from '../../src/cli/simulate/status.ts'
import { tagsOf } from '../../src/cli/simulate/tags.ts'
import type { Hub } from '../../src/cli/with-hub.ts'
import { fakeHub } from './fake-hub.ts'

const makeup: Makeup = {
  count: 200,
  prefix: 'sim',
  shares: { offline: 5, refuse: 2.5, silent: 1, flapping: 10 },
  delayMs: 20,
  seed: 1,
}

const kindsOf = (makeup: Makeup) => {
  const counts: Record<string, number> = {}
  for (const { behaviour } of makeBehaviours(makeup)) counts[behaviour.kind] = (counts[behaviour.kind] ?? 0) + 1
  return counts
}

test('exactly as many devices do each thing as its share says', () => {
  expect(kindsOf(makeup)).toEqual({ offline: 10, refuse: 5, silent: 2, flapping: 20, answer: 163 })
  expect(kindsOf({ ...makeup, shares: { offline: 100, refuse: 0, silent: 0, flapping: 0 } })).toEqual({ offline: 200 })
})

test('rounding does not make more devices than asked for', () => {
  const shares = { offline: 25, refuse: 25, silent: 25, flapping: 25 }
  for (const count of [1, 2, 3, 5, 6]) expect(makeBehaviours({ ...makeup, count, shares })).toHaveLength(count)
})

test('the same seed makes the same fleet, another seed another', () => {
  expect(makeBehaviours(makeup)).toEqual(makeBehaviours(makeup))
  const other = makeBehaviours({ ...makeup, seed: 2 })
  expect(other).not.toEqual(makeBehaviours(makeup))
  expect(other.map(({ deviceId }) => deviceId)).toEqual(makeBehaviours(makeup).map(({ deviceId }) => deviceId))
})

test('device ids do not depend on how many there are', () => {
  const ids = (count: number) => makeBehaviours({ ...makeup, count }).map(({ deviceId }) => deviceId)
  expect(ids(3)).toEqual(['sim-00001', 'sim-00002', 'sim-00003'])
  expect(ids(50_000).at(-1)).toBe('sim-50000')
})

test('devices stand on the floors of buildings in turn, on each as many as on any other', () => {
  const counts = new Map<string, number>()
  for (let index = 0; index < 100; index++) {
    const { building, floor } = tagsOf(index)
    counts.set(`${building}/${floor}`, (counts.get(`${building}/${floor}`) ?? 0) + 1)
  }
  expect([...counts.keys()].sort()).toEqual(
    [41, 42, 43, 44].flatMap((building) => [1, 2, 3, 4, 5].map((floor) => `${building}/${floor}`)),
  )
  expect([...new Set(counts.values())]).toEqual([5])
})

test('devices answer after the delay, whatever they answer', () => {
  const delays = makeBehaviours(makeup).map(({ behaviour }) => {
    const answering = 'answering' in behaviour ? behaviour.answering : behaviour
    return answering && 'delayMs' in answering ? answering.delayMs : 'none'
  })
  expect(delays.filter((delay) => delay === 'none')).toHaveLength(2)
  expect(delays.filter((delay) => delay === 20)).toHaveLength(198)
})

test('the status names lost connections and errors only when there are some', () => {
  const stats = {
    devices: 1_000,
    connected: 995,
    connections: 1_010,
    drops: 0,
    methodsReceived: 1_200,
    methodsAnswered: 1_190,
    twinReads: 0,
    desiredPatches: 3,
    reportedPatches: 0,
    errors: 0,
  }
  const quiet = 'connected 995 of 1,000; method calls 1,200 received, 1,190 answered; desired patches 3'
  expect(statusLine(stats, 1_000)).toBe(quiet)
  expect(statusLine({ ...stats, drops: 2, errors: 1 }, 1_000)).toBe(`${quiet}; connections lost 2; errors 1`)
})

const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
const untrusted = Object.assign(new Error('tls'), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })

test.each([
  [
    'no hub',
    new HubUnreachableError('No hub answers.', { cause: refused }),
    false,
    '(ECONNREFUSED). Start a hub with "twincast start"',
  ],
  ['a private CA', new HubUnreachableError('No hub answers.', { cause: untrusted }), false, '--ca'],
  ['no key', new HubRefusedError('UNAUTHORIZED', 'A token is needed.'), false, 'Set a key with --key or TWINCAST_KEY'],
  [
    'another key',
    new HubRefusedError('TOKEN_INVALID', 'Refused.'),
    true,
    'Check that --key or --token is for this hub',
  ],
])('%s is explained with what to do', (_, error, hasKey, advice) => {
  expect(String(explain(error, hasKey))).toContain(advice)
})

const hubAt = (url: string, ca?: string): Hub => ({ client: fakeHub(() => ({})), url, ca, authorization: undefined })
const options = { devices: 1, prefix: 'sim', delay: 0, seed: 1, offline: 0, refuse: 0, silent: 0, flapping: 0 }

test.each([
  ['http://localhost:4000', {}, { host: 'localhost', port: 1883, tls: false }],
  ['https://hub.example', {}, { host: 'hub.example', port: 8883, tls: true }],
  ['http://[::1]:4000', {}, { host: '::1', port: 1883, tls: false }],
  ['https://hub.example', { mqtt: 'mqtt://other:1884' }, { host: 'other', port: 1884, tls: false }],
])('devices of the hub at %s with %j connect to its host', (url, given, endpoint) => {
  expect(settingsOf({ ...options, ...given }, hubAt(url)).mqtt).toMatchObject(endpoint)
})

test('a CA without TLS is refused', () => {
  expect(() => settingsOf(options, hubAt('http://localhost:4000', 'PEM'))).toThrow('--ca requires TLS.')
})

test('what nobody expects is not explained away', () => {
  const error = new TypeError('a fault')
  expect(explain(error, false)).toBe(error)
})
