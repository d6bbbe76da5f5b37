import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { withGraphiql } from '../../src/http/graphiql.ts'
import { createHttpServer, type HttpServer, type Mount } from '../../src/http/server.ts'
import { defaultLimits } from '../../src/limits/limits.ts'
import { loadOrMakeCertificate } from '../../src/tls/certificate.ts'
import { openAnywhere } from './serve.ts'

const deps = { limits: defaultLimits, clock: systemClock, log: pino({ level: 'silent' }) }
const door: Mount = {
  path: '/graphql',
  methods: ['GET', 'POST'],
  handle: (_request, response) => response.end('the door'),
}

let pem: { cert: string; key: string }
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'twincast-test-'))
  pem = await loadOrMakeCertificate(folder, { hostNames: [], now: new Date() })
  await rm(folder, { recursive: true })
})

let folder: string
let server: HttpServer
let url: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twincast-test-'))
  server = createHttpServer(deps, {
    mounts: { graphql: withGraphiql(deps, door, folder) },
    whyNotReady: () => undefined,
    ...pem,
  })
  url = `${(await openAnywhere(server)).http}/graphql`
})
afterEach(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

const page = '<!doctype html><script src="/console/assets/graphiql-x.js"></script>'
const accept = 'text/html,application/xhtml+xml,*/*;q=0.8'

test('a browser that opens the address gets the page, under a policy that lets in nothing from elsewhere', async () => {
  await writeFile(join(folder, 'graphiql.html'), page)
  const response = await fetch(`${url}?query={jobs}`, { headers: { accept } })
  expect(await response.text()).toBe(page)
  const policy = response.headers.get('content-security-policy') ?? ''
  expect(policy).toContain("default-src 'self'; script-src 'self';")
  expect(policy).toContain("frame-ancestors 'none'")
  expect(response.headers.get('x-frame-options')).toBe('DENY')
})

test('programs get the door', async () => {
  await writeFile(join(folder, 'graphiql.html'), page)
  expect(await (await fetch(url, { headers: { accept: 'application/json' } })).text()).toBe('the door')
  expect(await (await fetch(url, { method: 'POST', headers: { accept } })).text()).toBe('the door')
})

test('a hub that is not built says how to build it, and needs no restart', async () => {
  const before = await fetch(url, { headers: { accept } })
  expect([before.status, await before.text()]).toEqual([503, expect.stringContaining('npm run build')])
  await writeFile(join(folder, 'graphiql.html'), page)
  expect((await fetch(url, { headers: { accept } })).status).toBe(200)
})
