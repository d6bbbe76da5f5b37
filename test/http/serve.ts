import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { createHttpServer, type HttpServer, type Mount } from '../../src/http/server.ts'
import { createProxies, type Network } from '../../src/limits/client-address.ts'
import { defaultLimits, type Limits } from '../../src/limits/limits.ts'
import { loadOrMakeCertificate } from '../../src/tls/certificate.ts'
import { createTestClock } from '../support/clock.ts'

/**
 * A server with this mount in the place of GraphQL's, for which time stands still until `clock` moves it. It trusts the
 * proxies in these networks.
 */
export async function serveMount(graphql: Mount, limits: Partial<Limits> = {}, networks: readonly Network[] = []) {
  const folder = await mkdtemp(join(tmpdir(), 'twincast-test-'))
  const pem = await loadOrMakeCertificate(folder, { hostNames: [], now: new Date() })
  await rm(folder, { recursive: true })
  const clock = createTestClock()
  const deps = { limits: { ...defaultLimits, ...limits }, clock, log: pino({ level: 'silent' }) }
  const proxies = createProxies(networks)
  const server = createHttpServer(deps, { mounts: { graphql }, whyNotReady: () => undefined, proxies, ...pem })
  const { http: url } = await openAnywhere(server)
  return { url, clock, close: () => server.close() }
}

/** Opens both ports of a server, any free ones, and answers with their addresses. */
export async function openAnywhere(
  server: HttpServer,
  host = '127.0.0.1',
): Promise<{ readonly http: string; readonly https: string }> {
  const { http = '', https = '' } = await server.listen({ http: { host, port: 0 }, https: { host, port: 0 } })
  return { http, https }
}
