import { expect, test } from 'vitest'
import { createBus } from '../../src/bus/bus.ts'
import { connectedBuses } from '../support/buses.ts'
import { createTestClock } from '../support/clock.ts'

const clock = createTestClock()
const connected = (count: number) => connectedBuses(clock, count)

test('a message reaches the listeners of all other instances, until they stop', () => {
  const [a, b, c] = connected(3)
  const heard: string[] = []
  const stops = [b, c].map((bus, index) => bus?.subscribe('news', (text) => heard.push(`${index} ${text}`)))
  a?.subscribe('news', (text) => heard.push(`itself ${text}`))
  a?.publish('news', 'one')
  stops[0]?.()
  a?.publish('news', 'two')
  expect(heard).toEqual(['0 one', '1 one', '1 two'])
})

test('a subject is listened to from its first listener to its last', () => {
  const bus = createBus(clock)
  const changes: string[] = []
  const heard: string[] = []
  bus.subscribe('early', () => {})
  bus.connect({
    send: () => true,
    listen: (subject) => changes.push(`listen ${subject}`),
    unlisten: (subject) => changes.push(`unlisten ${subject}`),
  })
  expect(changes.splice(0)).toContain('listen early')
  const first = bus.subscribe('news', (text) => heard.push(`first ${text}`))
  const second = bus.subscribe('news', (text) => heard.push(`second ${text}`))
  first()
  first() // a second time has no effect
  bus.receive('news', 'text')
  expect(heard).toEqual(['second text'])
  expect(changes).toEqual(['listen news'])
  expect(bus.subjects()).toContain('news')
  second()
  expect(changes).toEqual(['listen news', 'unlisten news'])
  expect(bus.subjects()).not.toContain('news')
})

test('a request has the answer of the instance that answers its subject, and of no other request', async () => {
  const [a, b, c] = connected(3)
  const stop = b?.answer('call.b', async (text) => `b got ${text}`)
  c?.answer('call.c', async (text) => `c got ${text}`)
  expect(
    await Promise.all([
      a?.request('call.b', 'one', 1_000),
      a?.request('call.c', 'two', 1_000),
      c?.request('call.b', 'three', 1_000),
    ]),
  ).toEqual(['b got one', 'c got two', 'b got three'])
  stop?.()
  const late = a?.request('call.b', 'four', 1_000)
  clock.advance(1_000)
  expect(await late).toBeUndefined()
})

test('a request ends without an answer when its time is over, or nobody wants it any more', async () => {
  const [a, b] = connected(2)
  let answer = (_text: string): void => {}
  b?.answer('call.b', () => new Promise((resolve) => (answer = resolve)))
  const over = a?.request('call.b', 'one', 1_000)
  clock.advance(1_000)
  expect(await over).toBeUndefined()
  answer('late')

  const unwanted = new AbortController()
  const gone = a?.request('call.b', 'two', 1_000, unwanted.signal)
  unwanted.abort()
  expect(await gone).toBeUndefined()
})

test('an instance that is alone has no answer to wait for', async () => {
  const bus = createBus(clock)
  bus.publish('news', 'nobody')
  expect(await bus.request('call.b', 'anybody?', 1_000)).toBeUndefined()
})

test.each([
  ['no JSON', 'text'],
  ['null', 'null'],
  ['a request without a text', '{"replyTo":"reply.x","id":"1"}'],
  ['an answer that is to go to another subject', '{"replyTo":"call.c","id":"1","text":""}'],
])('what is no request is not answered: %s', (_what, text) => {
  const [a, b] = connected(2)
  let asked = 0
  b?.answer('call.b', async () => `${++asked}`)
  a?.publish('call.b', text)
  expect(asked).toBe(0)
})
