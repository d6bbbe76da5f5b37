import { expect, test, vi } from 'vitest'
import { createSocketInbox } from '../../src/graphql/socket-inbox.ts'

const subscribe = (id: string) => JSON.stringify({ id, type: 'subscribe', payload: { query: '{ __typename }' } })

/** An inbox whose operations go on until they are ended. */
function open() {
  const ends: (() => void)[] = []
  const handle = (text: string): Promise<void> =>
    JSON.parse(text).type === 'subscribe' ? new Promise((resolve) => ends.push(resolve)) : Promise.resolve()
  return { inbox: createSocketInbox(handle, () => {}), end: (index: number) => ends[index]?.() }
}

test('what an operation reads is given up when it has ended: an error may be the answer while others are still read', async () => {
  const { inbox, end } = open()
  inbox.take(subscribe('a'))
  inbox.take(subscribe('b'))
  const [a, b] = [inbox.signalOf('a'), inbox.signalOf('b')]
  end(0)
  await vi.waitUntil(() => inbox.signalOf('a') === undefined)
  expect([a?.aborted, b?.aborted]).toEqual([true, false])
})

test('or when the client completes it, and then the next one of its name begins anew', async () => {
  const { inbox, end } = open()
  inbox.take(subscribe('a'))
  const first = inbox.signalOf('a')
  inbox.take(JSON.stringify({ id: 'a', type: 'complete' }))
  inbox.take(subscribe('a'))
  expect(first?.aborted).toBe(true)
  end(0)
  await vi.waitUntil(() => inbox.signalOf('a') !== first)
  expect(inbox.signalOf('a')?.aborted).toBe(false)
})

test('or when the client has gone', () => {
  const { inbox } = open()
  inbox.take(subscribe('a'))
  const signal = inbox.signalOf('a')
  inbox.close()
  expect(signal?.aborted).toBe(true)
})
