import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { subjectPrefix } from '../../src/bus/nats.ts'
import { type Clock, systemClock } from '../../src/clock.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { joinInstance } from '../support/joined-instance.ts'
import { isNatsMissing, type NatsServer, settingsOf, startNatsServer } from '../support/nats-server.ts'
import { openTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'

/** What an instance checks every five seconds it checks five times per second. */
const quick: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms === 5_000 ? 200 : ms, signal) }
/** It also gives up early whom it does not hear. */
const hasty: Clock = { ...quick, elapsed: () => systemClock.elapsed() * 10 }
/** It waits for ever for whom it does not hear. */
const trusting: Clock = { ...quick, elapsed: () => 0 }
/** It announces itself only when there is a reason. */
const quiet: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms === 5_000 ? 2 ** 31 : ms, signal) }
const prefix = subjectPrefix('secret')

describe.skipIf(isNatsMissing)('with NATS', () => {
  let database: TestDatabase
  let server: NatsServer
  let proxy: TcpProxy
  beforeAll(async () => {
    database = await createTestDatabase()
    server = await startNatsServer('max_payload: 500000')
    proxy = await openTcpProxy({ host: '127.0.0.1', port: server.port })
  })
  afterAll(async () => {
    await proxy.close()
    await server.close()
    await database.drop()
  })
  const joined: { close(): Promise<void> }[] = []
  afterEach(async () => {
    await Promise.all(joined.splice(0).map((each) => each.close()))
    await proxy.become('forward')
  })

  /** An instance that reaches NATS at this port, if at all: what it receives, and by what. */
  async function join(port?: number, clock = quick) {
    const instance = await joinInstance({
      databaseUrl: database.url,
      clock,
      nats: port === undefined ? undefined : { settings: settingsOf({ port }), prefix },
    })
    joined.push(instance)
    return instance
  }
  type Instance = Awaited<ReturnType<typeof join>>
  const settled = (instance: Instance, others: number) =>
    expect
      .poll(async () => [await instance.peers('postgresql'), await instance.peers('nats')])
      .toEqual([others, others])
  const settledOn = (instance: Instance, transport: 'nats' | 'postgresql', others: number) =>
    expect.poll(() => instance.peers(transport)).toBe(others)
  /** Publishes hints until one is carried by NATS, or by PostgreSQL: an instance changes its way a moment later. */
  const publishUntil = async (from: Instance, transport: 'nats' | 'postgresql', name: string): Promise<string> => {
    let last = ''
    let count = 0
    const before = await from.sent(transport)
    await expect
      .poll(async () => {
        last = `${name}-${++count}`
        from.events.publish('identity', { deviceId: last })
        return from.sent(transport)
      })
      .toBeGreaterThan(before)
    return last
  }

  /** A client of the server that is no instance. */
  const connectStranger = async (): Promise<NatsConnection> => {
    const stranger = await connect({ servers: `127.0.0.1:${server.port}` })
    joined.push(stranger)
    return stranger
  }
  /** The subjects of what the server gets from now on. */
  const observe = async (): Promise<readonly string[]> => {
    const observer = await connectStranger()
    const seen: string[] = []
    observer.subscribe(`${prefix}.>`, {
      callback: (_error, { subject }) => void seen.push(subject.slice(prefix.length + 1)),
    })
    await observer.flush()
    return seen
  }

  test('NATS carries hints and messages to all instances, once', async () => {
    const seen = await observe()
    const [a, b, c] = [await join(server.port), await join(server.port), await join(server.port)]
    for (const each of [a, b, c]) await settled(each, 2)
    await publishUntil(a, 'nats', 'before')
    const before = await a.sent('postgresql')
    a.events.publish('identity', { deviceId: 'once' })
    a.bus.publish('news', 'text')
    for (const each of [b, c]) await expect.poll(() => each.heard).toEqual(expect.arrayContaining(['once', 'text']))
    await expect.poll(() => seen).toContain('news')
    for (const each of [b, c]) expect(each.heard.filter((one) => !one.startsWith('before'))).toHaveLength(2)
    expect(await a.sent('postgresql')).toBe(before)
  })

  test('instances that join find each other on NATS at once', async () => {
    const [a, b] = [await join(server.port, quiet), await join(server.port, quiet)]
    for (const each of [a, b]) await settled(each, 1)
  })

  test('an instance that is alone sends no messages', async () => {
    const seen = await observe()
    const alone = await join(server.port)
    await expect
      .poll(() => {
        alone.bus.publish('news', 'nobody')
        return seen.length
      })
      .toBeGreaterThan(5)
    expect(new Set(seen)).toEqual(new Set(['members']))
  })

  test('what nobody listens to on NATS goes by PostgreSQL', async () => {
    const stranger = await connectStranger()
    const [a, b] = [await join(server.port, trusting), await join()]
    await settledOn(a, 'postgresql', 1)
    stranger.publish(`${prefix}.members`, JSON.stringify({ id: b.instanceId }))
    await settledOn(a, 'nats', 1)
    const hint = await publishUntil(a, 'nats', 'hint')
    await expect.poll(() => b.heard).toContain(hint)
    a.bus.publish('news', 'text')
    await expect.poll(() => b.heard).toContain('text')
  })

  test('PostgreSQL carries everything while one instance is not on NATS', async () => {
    const [a, b, c] = [await join(server.port), await join(server.port), await join()]
    await settledOn(a, 'nats', 1)
    await settledOn(a, 'postgresql', 2)
    a.events.publish('identity', { deviceId: 'hint' })
    a.bus.publish('news', 'text')
    for (const each of [b, c]) await expect.poll(() => each.heard).toEqual(expect.arrayContaining(['hint', 'text']))
    expect(await a.sent('nats')).toBe(0)
  })

  test('an instance that loses NATS looks for what it missed, gets all by PostgreSQL meanwhile, and comes back', async () => {
    const [a, b] = [await join(server.port, trusting), await join(proxy.port, trusting)]
    for (const each of [a, b]) await settled(each, 1)
    await publishUntil(a, 'nats', 'before')
    const looked = b.recoverMissed.mock.calls.length
    await proxy.become('refuse')
    await expect.poll(() => b.isOnNats()).toBe(false)
    for (const each of [a, b]) await settledOn(each, 'nats', 0)
    await expect.poll(() => b.recoverMissed.mock.calls.length).toBeGreaterThan(looked)
    const meanwhile = await publishUntil(a, 'postgresql', 'meanwhile')
    await expect.poll(() => b.heard).toContain(meanwhile)
    b.bus.publish('news', 'text')
    await expect.poll(() => a.heard).toContain('text')

    await proxy.become('forward')
    for (const each of [a, b]) await settled(each, 1)
    const last = await publishUntil(a, 'nats', 'after')
    await expect.poll(() => b.heard).toContain(last)
  })

  test('PostgreSQL carries everything between instances whose servers do not know each other', async () => {
    const other = await startNatsServer()
    try {
      const [a, b] = [await join(server.port), await join(other.port)]
      for (const each of [a, b]) await expect.poll(() => each.isOnNats()).toBe(true)
      await settledOn(b, 'postgresql', 1)
      const hint = await publishUntil(a, 'postgresql', 'hint')
      await expect.poll(() => b.heard).toContain(hint)
      expect(await a.peers('nats')).toBe(0)
    } finally {
      await Promise.all(joined.splice(0).map((each) => each.close()))
      await other.close()
    }
  })

  test('an instance that is no longer heard on NATS is not relied on there, and what it may have missed is looked for', async () => {
    const [a, b] = [await join(server.port, hasty), await join(proxy.port, hasty)]
    for (const each of [a, b]) await settled(each, 1)
    await proxy.become('drop')
    const lost = await publishUntil(a, 'nats', 'lost')
    await expect.poll(() => b.recoverMissed.mock.calls.length).toBeGreaterThan(0)
    expect(b.heard).not.toContain(lost)
    await settledOn(a, 'nats', 0)
    const hint = await publishUntil(a, 'postgresql', 'hint')
    await expect.poll(() => b.heard).toContain(hint)
  })

  test('what NATS carries slowly arrives late, once and in order, as long as the instance is heard there', async () => {
    const [a, b] = [await join(server.port, trusting), await join(proxy.port, trusting)]
    for (const each of [a, b]) await settled(each, 1)
    await publishUntil(a, 'nats', 'before')
    await proxy.become('drop')
    const sent = await a.sent('nats')
    const late = Array.from({ length: 5 }, (_, index) => `late-${index}`)
    for (const [index, text] of late.entries()) {
      a.bus.publish('news', text)
      a.events.publish('identity', { deviceId: `hint-${index}` })
    }
    await expect.poll(() => a.sent('nats')).toBeGreaterThan(sent)
    expect(b.heard.filter((text) => /^(late|hint)-/.test(text))).toEqual([])
    await proxy.become('forward')
    await expect.poll(() => b.heard).toEqual(expect.arrayContaining([...late, 'hint-4']))
    expect(b.heard.filter((text) => text.startsWith('late-'))).toEqual(late)
    expect(b.heard.filter((text) => text.startsWith('hint-'))).toHaveLength(5)
    expect(b.isOnNats()).toBe(true)
  })

  test('what is too long for NATS goes by PostgreSQL, whole', async () => {
    const [a, b] = [await join(server.port), await join(server.port)]
    for (const each of [a, b]) await settled(each, 1)
    const long = 'é'.repeat(300_000)
    a.bus.publish('news', long)
    await expect.poll(() => b.heard).toEqual([long])
  })

  test('what somebody else sends is ignored', async () => {
    const [a, b] = [await join(server.port), await join(server.port)]
    for (const each of [a, b]) await settled(each, 1)
    const stranger = await connectStranger()
    for (const subject of ['hint.identity', 'hint.twin', 'members', 'reply.x']) {
      for (const text of ['', 'hello', '{}', '[1]', '{"id":1}', '["twin",["x"]]', '\u0000']) {
        stranger.publish(`${prefix}.${subject}`, text)
      }
    }
    stranger.publish(`${prefix}.hint.identity`, new Uint8Array([0xff, 0xfe]))
    await stranger.flush()
    a.events.publish('identity', { deviceId: 'ours' })
    await expect.poll(() => b.heard).toEqual(['ours'])
  })
})
