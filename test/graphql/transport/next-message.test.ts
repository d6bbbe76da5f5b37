import { expect, test } from 'vitest'
import { headOf, payloadOf, writeMessage } from '../../../src/graphql/transport/next-message.ts'
import { connected } from './socket-pair.ts'

/** Results whose messages have just the lengths at which the frame's header or the way of writing changes. */
const lengths = [0, 1, 60, 64, 65, 66, 100, 3_900, 4_030, 4_031, 4_032, 4_033, 65_000, 65_470, 65_471, 65_472, 300_000]

test('messages of all lengths arrive whole and in order, among frames of ws', async () => {
  const { client, socket, connection } = await connected()
  const id = 'a "quoted" id of ü'
  const results = lengths.map((length) => ({ data: { text: 'ö'.repeat(length % 7) + 'x'.repeat(length) } }))
  const received: unknown[] = []
  const all = new Promise<void>((resolve) =>
    client.on('message', (data, isBinary) => {
      received.push([isBinary, JSON.parse(String(data))])
      if (received.length === 2 * results.length) resolve()
    }),
  )
  let left = 0
  for (const result of results) {
    writeMessage({ socket, connection, head: headOf(id) }, payloadOf(JSON.stringify(result)), (error) => {
      if (!error) left++
    })
    socket.ping()
    socket.send('"between"')
  }
  await all
  expect(received).toEqual(
    results.flatMap((payload) => [
      [false, { id, type: 'next', payload }],
      [false, 'between'],
    ]),
  )
  expect(left).toBe(results.length)
})

test('every length of a message up to two bytes of length has a header that ws reads', async () => {
  const { client, socket, connection } = await connected()
  const texts = Array.from({ length: 200 }, (_, length) => JSON.stringify('y'.repeat(length)))
  const received: string[] = []
  const all = new Promise<void>((resolve) =>
    client.on('message', (data) => {
      received.push(JSON.stringify(JSON.parse(String(data)).payload))
      if (received.length === texts.length) resolve()
    }),
  )
  for (const text of texts) writeMessage({ socket, connection, head: headOf('1') }, payloadOf(text))
  await all
  expect(received).toEqual(texts)
})
