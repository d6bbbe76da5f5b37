import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { connectNats } from '../../src/bus/nats.ts'
import { systemClock } from '../../src/clock.ts'
import { listenForNotifications, type Transport } from '../../src/database/notifications.ts'
import { serversOf } from '../../src/database/servers.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { isNatsMissing, type NatsServer, settingsOf, startNatsServer } from '../support/nats-server.ts'

type Member = { readonly transport: Transport; readonly messages: string[]; close(): Promise<void> }
type Kind = { prepare(): Promise<void>; join(): Promise<Member>; end(): Promise<void> }

let database: TestDatabase
const overPostgres: Kind = {
  async prepare() {
    database = await createTestDatabase()
  },
  async join() {
    const messages: string[] = []
    const { transport, close } = await listenForNotifications(
      { servers: serversOf(database.url), clock: systemClock, onError: () => {} },
      { received: () => {}, missed: () => {}, message: (subject, text) => messages.push(`${subject} ${text}`) },
    )
    return { transport, messages, close }
  },
  end: () => database.drop(),
}

let server: NatsServer
const overNats: Kind = {
  async prepare() {
    server = await startNatsServer()
  },
  async join() {
    const messages: string[] = []
    let connected = (): void => {}
    const isConnected = new Promise<void>((resolve) => {
      connected = resolve
    })
    const nats = await connectNats(
      { settings: settingsOf(server), prefix: 'twincast.test', clock: systemClock, onError: () => {} },
      { message: (subject, text) => messages.push(`${subject} ${text}`), connected, lost: () => {} },
    )
    await isConnected
    return { transport: nats, messages, close: nats.close }
  },
  end: () => server.close(),
}

const kinds = [
  { name: 'PostgreSQL', kind: overPostgres, isMissing: false },
  { name: 'NATS', kind: overNats, isMissing: isNatsMissing },
]

describe.each(kinds)('what $name carries', ({ kind, isMissing }) => {
  const members: Member[] = []
  if (!isMissing) {
    beforeAll(kind.prepare)
    afterAll(kind.end)
  }
  afterEach(async () => {
    await Promise.all(members.splice(0).map(({ close }) => close()))
  })
  const join = async (): Promise<Member> => {
    const member = await kind.join()
    members.push(member)
    return member
  }
  /** Sends until it arrives: a member listens a moment after it has begun to. */
  const reach = async (from: Member, to: Member, subject: string): Promise<void> => {
    to.transport.listen(subject)
    await expect
      .poll(() => {
        from.transport.send(subject, 'anybody?')
        return to.messages
      })
      .toContain(`${subject} anybody?`)
    from.transport.send(subject, 'listening')
    await expect.poll(() => to.messages.at(-1)).toBe(`${subject} listening`)
    to.messages.length = 0
  }

  test.skipIf(isMissing)(
    'reaches all others that listen to the subject, whole, in order and as often as it was sent',
    async () => {
      const [a, b, c] = [await join(), await join(), await join()]
      for (const member of [b, c]) await reach(a, member, 'news')
      await reach(a, c, 'call.c')
      b.messages.length = 0
      a.transport.listen('news')
      const long = `${'x'.repeat(2_599)}\u{1f600}${'é'.repeat(200_000)}`
      const texts = ['first', '', long, 'same', 'same', 'last']
      for (const text of texts) expect(a.transport.send('news', text)).toBe(true)
      a.transport.send('call.c', 'c only')
      await expect.poll(() => c.messages.at(-1)).toBe('call.c c only')
      await expect.poll(() => b.messages).toEqual(texts.map((text) => `news ${text}`))
      expect(c.messages).toEqual([...texts.map((text) => `news ${text}`), 'call.c c only'])
      expect(a.messages).toEqual([]) // its own do not come back
    },
  )

  test.skipIf(isMissing)('does not reach those that no longer listen', async () => {
    const [a, b] = [await join(), await join()]
    await reach(a, b, 'news')
    await reach(a, b, 'other')
    b.transport.unlisten('news')
    // Both have passed its connection before that message can.
    b.transport.listen('after')
    await reach(a, b, 'after')
    a.transport.send('news', 'late')
    a.transport.send('other', 'last')
    await expect.poll(() => b.messages).toEqual(['other last'])
  })

  test.skipIf(isMissing)('has a subject of letters, digits, dots between them and hyphens', async () => {
    const a = await join()
    for (const subject of ['', 'a"; drop table job; --', 'x'.repeat(51), 'a b', '>', 'call.*', '.a', 'a.', 'a..b']) {
      expect(() => a.transport.listen(subject)).toThrow('is not a subject')
    }
  })

  test.skipIf(isMissing)('is refused after the end', async () => {
    const a = await kind.join()
    await a.close()
    expect(a.transport.send('news', 'too late')).toBe(false)
  })
})
