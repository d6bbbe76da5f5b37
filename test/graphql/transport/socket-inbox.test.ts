import { expect, test } from 'vitest'
import { createSocketInbox } from '../../../src/graphql/transport/socket-inbox.ts'

const subscribe = (id: string) => JSON.stringify({ id, type: 'subscribe', payload: { query: '{ __typename }' } })

/** An inbox whose operations go on until they are ended, with room for so many. */
function open(most = 10) {
  const refused: string[] = []
  let held = 0
  const room = {
    hold(length: number) {
      if (held === most) return undefined
      expect(length).toBe(subscribe('a').length)
      held++
      return () => void held--
    },
    refuse: (id: string) => refused.push(id),
  }
  const ends: (() => void)[] = []
  const handle = (text: string): Promise<void> =>
    JSON.parse(text).type === 'subscribe' ? new Promise((resolve) => ends.push(resolve)) : Promise.resolve()
  const inbox = createSocketInbox(handle, () => {}, room)
  return { inbox, refused, held: () => held, end: (index: number) => ends[index]?.() }
}

test('what an operation reads is given up when it has ended: an error may be the answer while others are still read', async () => {
  const { inbox, end } = open()
  inbox.take(subscribe('a'))
  inbox.take(subscribe('b'))
  const [a, b] = [inbox.signalOf('a'), inbox.signalOf('b')]
  end(0)
  await expect.poll(() => inbox.signalOf('a')).toBeUndefined()
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
  await expect.poll(() => inbox.signalOf('a')).not.toBe(first)
  expect(inbox.signalOf('a')?.aborted).toBe(false)
})

test('or when the client has gone', () => {
  const { inbox } = open()
  inbox.take(subscribe('a'))
  const signal = inbox.signalOf('a')
  inbox.close()
  expect(signal?.aborted).toBe(true)
})

test('an operation for which there is no room is refused, and does not begin', async () => {
  const { inbox, refused, held, end } = open(1)
  inbox.take(subscribe('a'))
  inbox.take(subscribe('b'))
  expect([refused, inbox.signalOf('b')]).toEqual([['b'], undefined])
  end(0)
  await expect.poll(held).toBe(0)
  inbox.take(subscribe('b'))
  expect(inbox.signalOf('b')?.aborted).toBe(false)
})

test('one that waits for the end of another of its name takes room, until it is completed, too', async () => {
  const { inbox, refused, held, end } = open(2)
  const complete = JSON.stringify({ id: 'a', type: 'complete' })
  inbox.take(subscribe('a'))
  inbox.take(complete)
  inbox.take(subscribe('a'))
  inbox.take(subscribe('b'))
  expect([held(), refused]).toEqual([2, ['b']])
  inbox.take(complete)
  expect(held()).toBe(1)
  end(0)
  await expect.poll(held).toBe(0)
})
