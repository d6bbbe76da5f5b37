import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { checkBus } from '../../src/doctor/check-bus.ts'
import type { NatsSettings } from '../../src/nats-settings.ts'
import { isNatsMissing, type NatsServer, settingsOf, startNatsServer } from '../support/nats-server.ts'

describe.skipIf(isNatsMissing)('a server of NATS', () => {
  let server: NatsServer
  beforeAll(async () => {
    server = await startNatsServer(`
      authorization { users: [
        { user: ann, password: hush }
        { user: mute, password: hush, permissions: { publish: "nothing", subscribe: ">" } }
        { user: deaf, password: hush, permissions: { publish: ">", subscribe: "nothing" } }
      ] }`)
  })
  afterAll(() => server.close())

  const check = (user: string, pass = 'hush', servers = [`127.0.0.1:${server.port}`]) => {
    const settings: NatsSettings = { ...settingsOf(server), address: { servers, isTls: false, login: { user, pass } } }
    return checkBus(settings, { clock: systemClock })
  }

  test('that accepts the hub is fine, and how long a message takes is said', async () => {
    expect(await check('ann')).toEqual([
      {
        check: 'bus',
        verdict: 'ok',
        finding: expect.stringMatching(/^NATS at 127\.0\.0\.1:\d+ accepts this hub; .* after \d+\.\d ms\.$/),
      },
    ])
  })

  test.each([
    ['where it cannot sign in', 'ann', 'secret', /authorization violation/i],
    ['where it may not send', 'mute', 'hush', /may not send/],
    ['where it may not receive', 'deaf', 'hush', /permissions violation for subscription/i],
  ])('%s is a warning, without the password', async (_where, user, password, reason) => {
    const [finding] = await check(user, password)
    expect(finding).toMatchObject({ verdict: 'warning', finding: expect.stringMatching(reason) })
    expect(finding?.finding).not.toContain(password)
  })

  test('that cannot be reached is a warning, and the others are checked as well', async () => {
    const findings = await check('ann', 'hush', ['127.0.0.1:1', `127.0.0.1:${server.port}`])
    expect(findings.map(({ verdict }) => verdict)).toEqual(['warning', 'ok'])
    expect(findings[0]?.finding).toMatch(/^NATS at 127\.0\.0\.1:1 cannot be used: .*refused/)
  })

  test('is not waited for any longer when the check is stopped', async () => {
    const stopped = AbortSignal.abort(new Error('stopped'))
    await expect(checkBus(settingsOf(server), { clock: systemClock, signal: stopped })).rejects.toThrow('stopped')
  })
})
