import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, nkeys } from '@nats-io/transport-node'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { connectNats, type Nats, subjectPrefix } from '../../src/bus/nats.ts'
import { type Clock, systemClock } from '../../src/clock.ts'
import type { NatsSettings } from '../../src/nats-settings.ts'
import { loadOrMakeCertificate } from '../../src/tls/certificate.ts'
import { createTestClock } from '../support/clock.ts'
import { isNatsMissing, type NatsServer, settingsOf, startNatsServer } from '../support/nats-server.ts'

test('hubs with different secrets have different subjects, which do not show the secrets', () => {
  expect(subjectPrefix('one')).toBe(subjectPrefix('one'))
  expect(subjectPrefix('one')).not.toBe(subjectPrefix('other'))
  expect(subjectPrefix('one')).toMatch(/^twincast\.[0-9a-f]{32}$/)
})

type KeyPair = ReturnType<typeof nkeys.createUser>

describe.skipIf(isNatsMissing)('the connection to NATS', () => {
  let server: NatsServer
  beforeAll(async () => {
    server = await startNatsServer('max_payload: 500000')
  })
  afterAll(() => server.close())

  type Client = Nats & {
    readonly messages: string[]
    readonly connections: string[]
    readonly lost: Date[]
    readonly errors: string[]
  }
  const clients: Nats[] = []
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()))
  })
  async function open({
    settings = settingsOf(server),
    prefix = 'twincast.test',
    clock = systemClock,
  }: {
    settings?: NatsSettings
    prefix?: string
    clock?: Clock
  } = {}): Promise<Client> {
    const messages: string[] = []
    const connections: string[] = []
    const lost: Date[] = []
    const errors: string[] = []
    const nats = await connectNats(
      { settings, prefix, clock, onError: (error) => errors.push(String(error)) },
      {
        message: (subject, text) => messages.push(`${subject} ${text}`),
        connected: (at) => connections.push(at),
        lost: (since) => lost.push(since),
      },
    )
    clients.push(nats)
    return { ...nats, messages, connections, lost, errors }
  }
  const ready = (client: Client, times = 1) => expect.poll(() => client.connections).toHaveLength(times)
  const reach = (from: Client, to: Client, text: string) =>
    expect
      .poll(() => {
        from.send('news', text)
        return to.messages
      })
      .toContain(`news ${text}`)

  test('begins without a server, says why, and is there when the server is', async () => {
    await server.stop()
    const [a, b] = [await open(), await open()]
    b.listen('news')
    await expect.poll(() => a.errors[0]).toContain('connection refused')
    expect(a.isConnected()).toBe(false)
    expect(a.send('news', 'nobody')).toBe(false)
    await server.start()
    for (const client of [a, b]) await ready(client)
    expect(a.connections).toEqual([`127.0.0.1:${server.port}`])
    expect([...a.lost, ...b.lost]).toEqual([])
    await reach(a, b, 'hello')
  })

  test('uses the server that is there', async () => {
    const { address, ...files } = settingsOf(server)
    const a = await open({
      settings: { ...files, address: { ...address, servers: ['127.0.0.1:1', ...address.servers] } },
    })
    await ready(a)
  })

  test('comes back when it breaks, listens again, and says since when messages may be lost', async () => {
    const [a, b] = [await open(), await open()]
    b.listen('news')
    for (const client of [a, b]) await ready(client)
    await reach(a, b, 'before')
    const time = Date.now()
    await server.stop()
    await expect.poll(() => b.lost).toHaveLength(1)
    expect(b.lost[0]?.getTime()).toBeLessThanOrEqual(time)
    expect(b.isConnected()).toBe(false)
    b.unlisten('news')
    b.listen('news')
    await server.start()
    for (const client of [a, b]) await ready(client, 2)
    b.messages.length = 0
    await reach(a, b, 'after')
    a.send('news', 'once')
    await expect.poll(() => b.messages.at(-1)).toBe('news once')
    expect(b.messages.filter((message) => message === 'news once')).toHaveLength(1)
  })

  test('is given up when the server is silent', async () => {
    const clock = createTestClock()
    const a = await open({ clock })
    await ready(a)
    const known = clock.now()
    server.freeze()
    try {
      await clock.asleep()
      clock.advance(5_000) // the check begins
      await clock.asleep()
      clock.advance(10_000)
      await expect.poll(() => a.lost).toEqual([known])
      expect(a.errors).toEqual([expect.stringMatching(/NATS server 127\.0\.0\.1:\d+ does not answer/)])
    } finally {
      server.thaw()
    }
    await expect
      .poll(() => {
        clock.advance(10_000)
        return a.isConnected()
      })
      .toBe(true)
  })

  test('refuses what is longer than the server allows, and stays', async () => {
    const [a, b] = [await open(), await open()]
    b.listen('news')
    for (const client of [a, b]) await ready(client)
    await reach(a, b, 'listening')
    expect(a.send('news', 'é'.repeat(250_001))).toBe(false)
    expect(a.send('news', 'é'.repeat(250_000))).toBe(true)
    await expect.poll(() => b.messages.at(-1)?.length).toBe(250_005)
    expect(a.isConnected()).toBe(true)
  })

  test('ignores what is no text or too long, whatever the server allows, and sends no such messages', async () => {
    const generous = await startNatsServer('max_payload: 2000000')
    const stranger = await connect({ servers: `127.0.0.1:${generous.port}` })
    try {
      const a = await open({ settings: settingsOf(generous) })
      a.listen('news')
      await ready(a)
      await expect
        .poll(() => {
          stranger.publish('twincast.test.news', 'first')
          return a.messages
        })
        .toContain('news first')
      stranger.publish('twincast.test.news', new Uint8Array([0xff, 0xfe]))
      stranger.publish('twincast.test.news', 'x'.repeat(1024 * 1024 + 1))
      stranger.publish('twincast.test.news', 'last')
      await expect.poll(() => a.messages.at(-1)).toBe('news last')
      expect(new Set(a.messages)).toEqual(new Set(['news first', 'news last']))
      expect(a.send('news', 'x'.repeat(1024 * 1024 + 1))).toBe(false)
      expect(a.send('news', 'x'.repeat(1024 * 1024))).toBe(true)
    } finally {
      await stranger.close()
      await generous.close()
    }
  })

  test('loses nothing at its end, unless the server does not take what was sent', async () => {
    const a = await open()
    await ready(a)
    await a.close()
    expect(a.lost).toEqual([])

    const clock = createTestClock()
    const b = await open({ clock })
    await ready(b)
    await clock.asleep()
    server.freeze()
    try {
      const closed = b.close()
      await clock.asleep()
      clock.advance(1_000)
      await closed
      expect(b.lost).toEqual([new Date('2026-01-01T00:00:00Z')])
    } finally {
      server.thaw()
    }
  })

  test('refuses what would wait when the server takes too little, until it takes more', async () => {
    const a = await open()
    await ready(a)
    server.freeze()
    let count = 0
    try {
      while (count < 100 && a.send('news', 'x'.repeat(400_000))) {
        count++
        await systemClock.giveWay()
      }
    } finally {
      server.thaw()
    }
    expect(count).toBeGreaterThanOrEqual(20)
    expect(count).toBeLessThan(100)
    await expect.poll(() => a.send('news', 'again')).toBe(true)
  })

  test('says that nobody listens to a message, and only then', async () => {
    const [a, b] = [await open(), await open()]
    for (const client of [a, b]) await ready(client)
    b.listen('news')
    await reach(a, b, 'listening')
    const unheard: string[] = []
    a.send('news', 'one', () => unheard.push('one'))
    a.send('nowhere', 'two', () => unheard.push('two'))
    a.send('news', 'three', () => unheard.push('three'))
    a.send('nowhere', 'four')
    a.send('nowhere', 'five', () => unheard.push('five'))
    await expect.poll(() => unheard).toEqual(['two', 'five'])
    await expect.poll(() => b.messages.slice(-2)).toEqual(['news one', 'news three'])
    expect(unheard).toEqual(['two', 'five'])
  })

  test('does not meet another hub on the same server', async () => {
    const [a, b, other] = [await open(), await open(), await open({ prefix: 'twincast.other' })]
    for (const client of [a, b, other]) await ready(client)
    for (const client of [b, other]) client.listen('news')
    await reach(a, b, 'ours')
    expect(other.messages).toEqual([])
  })

  test('signs in with a user or a token, and says when it may not', async () => {
    const guarded = await startNatsServer(`
      authorization { users: [
        { user: ann, password: "p,w" }
        { user: eve, password: secret, permissions: { publish: "twincast.test.>", subscribe: "nothing" } }
      ] }`)
    const { address, ...files } = settingsOf(guarded)
    const as = (login: NatsSettings['address']['login']) => ({ ...files, address: { ...address, login } })
    try {
      const ann = await open({ settings: as({ user: 'ann', pass: 'p,w' }) })
      await ready(ann)
      const wrong = await open({ settings: as({ user: 'ann', pass: 'wrong' }) })
      await expect.poll(() => wrong.errors[0]).toMatch(/authorization violation/i)
      expect(wrong.errors.join()).not.toContain('wrong')
      const eve = await open({ settings: as({ user: 'eve', pass: 'secret' }) })
      eve.listen('news')
      await expect
        .poll(() => eve.errors.join())
        .toMatch(/permissions violation for subscription to "twincast.test.news"/i)
      expect(eve.isConnected()).toBe(true)
    } finally {
      await guarded.close()
    }
    const byToken = await startNatsServer('authorization { token: hush }')
    try {
      const settings = settingsOf(byToken)
      await ready(await open({ settings: { ...settings, address: { ...settings.address, login: { token: 'hush' } } } }))
    } finally {
      await byToken.close()
    }
  })

  test('signs in with a file of credentials, which it reads again for each connection', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'twincast-nats-creds-'))
    const [operator, account, user] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createUser()]
    const encode = (value: object | Uint8Array): string =>
      Buffer.from(value instanceof Uint8Array ? value : JSON.stringify(value)).toString('base64url')
    const jwtOf = (issuer: KeyPair, subject: KeyPair, nats: object): string => {
      const claims = { jti: 'x', iat: 1, iss: issuer.getPublicKey(), sub: subject.getPublicKey(), nats }
      const text = `${encode({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encode(claims)}`
      return `${text}.${encode(issuer.sign(Buffer.from(text)))}`
    }
    const all = { subs: -1, data: -1, payload: -1 }
    const limits = { ...all, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 }
    const guarded = await startNatsServer(`
      operator: ${jwtOf(operator, operator, { type: 'operator', version: 2 })}
      resolver: MEMORY
      resolver_preload: { ${account.getPublicKey()}: ${jwtOf(operator, account, { type: 'account', version: 2, limits })} }`)
    const credentialsPath = join(folder, 'hub.creds')
    try {
      const a = await open({ settings: { ...settingsOf(guarded), credentialsPath } })
      await expect.poll(() => a.errors[0]).toMatch(/hub\.creds/)
      await writeFile(
        credentialsPath,
        `-----BEGIN NATS USER JWT-----
${jwtOf(account, user, { type: 'user', version: 2, ...all })}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
${Buffer.from(user.getSeed()).toString()}
------END USER NKEY SEED------
`,
      )
      await ready(a)
    } finally {
      await guarded.close()
      await rm(folder, { recursive: true })
    }
  })

  test('uses TLS with a server whose authority it trusts, and no other', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'twincast-nats-tls-'))
    const { cert, key } = await loadOrMakeCertificate(folder, { hostNames: [], now: new Date() })
    await Promise.all([writeFile(join(folder, 'cert.pem'), cert), writeFile(join(folder, 'key.pem'), key)])
    const encrypted = await startNatsServer(`tls { cert_file: "${folder}/cert.pem", key_file: "${folder}/key.pem" }`)
    const over = (port: number, caPath?: string): NatsSettings => ({
      address: { servers: [`localhost:${port}`], isTls: true, login: undefined },
      credentialsPath: undefined,
      caPath,
    })
    try {
      const a = await open({ settings: over(encrypted.port, join(folder, 'ca.pem')) })
      await ready(a)
      const distrustful = await open({ settings: over(encrypted.port) })
      await expect.poll(() => distrustful.errors[0]).toMatch(/certificate/)
      const plain = await open({ settings: over(server.port, join(folder, 'ca.pem')) })
      await expect.poll(() => plain.errors[0]).toMatch(/does not support 'tls'/)
      const missing = await open({ settings: over(encrypted.port, join(folder, 'missing.pem')) })
      await expect.poll(() => missing.errors[0]).toMatch(/missing\.pem/)
      expect(a.isConnected()).toBe(true)
    } finally {
      await encrypted.close()
      await rm(folder, { recursive: true })
    }
  })
})
