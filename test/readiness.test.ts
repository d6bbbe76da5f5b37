import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { systemClock } from '../src/clock.ts'
import { createHttpServer } from '../src/http/server.ts'
import { defaultLimits } from '../src/limits/limits.ts'
import { type Checks, checkDisk, checkOf, parts } from '../src/readiness.ts'
import { loadOrMakeCertificate } from '../src/tls/certificate.ts'

async function ask(checks: () => Promise<Checks>) {
  const deps = { clock: systemClock, log: pino({ level: 'silent' }), limits: defaultLimits }
  const folder = await mkdtemp(join(tmpdir(), 'twincast-readiness-'))
  const { cert, key } = await loadOrMakeCertificate(folder, { hostNames: [], now: new Date() })
  await rm(folder, { recursive: true })
  const server = createHttpServer(deps, { checks, whyNotReady: () => undefined, cert, key })
  const { http } = await server.listen({ http: { host: '127.0.0.1', port: 0 } })
  const response = await fetch(`${http}/readyz`)
  const answer = [response.status, await response.json()]
  await server.close()
  return answer
}

const fails = checkOf('It fails.')

test('a check that fails makes the hub unavailable, and says why', async () => {
  const checks = { database: checkOf(undefined), disk: fails }
  expect(await ask(async () => checks)).toEqual([503, { status: 'unavailable', reason: 'It fails.', checks }])
})

test.each(Object.entries(parts))('the hub says that %s fails, which is %s', async (part, kind) => {
  const checks = { [part]: fails }
  const unavailable = [503, { status: 'unavailable', reason: 'It fails.', checks }]
  expect(await ask(async () => checks)).toEqual(kind === 'harmless' ? [200, { status: 'ready', checks }] : unavailable)
})

test('a harmless failure does not hide one that is not', async () => {
  const checks = { instances: checkOf('No events.'), disk: fails }
  expect(await ask(async () => checks)).toMatchObject([503, { reason: 'It fails.' }])
})

test('checks that cannot be made make the hub unavailable', async () => {
  const failing = async (): Promise<Checks> => {
    throw new Error('The disk is gone.')
  }
  expect(await ask(failing)).toMatchObject([503, { status: 'unavailable', reason: 'The disk is gone.' }])
})

test('a folder with room is ok, and a folder that is gone is not', async () => {
  expect(await checkDisk(tmpdir())).toEqual({ ok: true })
  await expect(checkDisk('/nowhere')).rejects.toThrow(/ENOENT/)
})
