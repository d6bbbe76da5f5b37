import { X509Certificate } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../src/clock.ts'
import { createMetrics, type Metrics } from '../src/metrics/metrics.ts'
import { CertificateError } from '../src/tls/certificate.ts'
import { openCertificates, type WatchedCertificates } from '../src/watched-certificates.ts'
import { tlsPairIn, writeTlsPair } from './support/tls-pair.ts'

let folder: string
let metrics: Metrics
let certificates: WatchedCertificates | undefined
let logged: EventEmitter
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twincast-certificates-'))
  metrics = createMetrics()
  logged = new EventEmitter()
})
afterEach(async () => {
  certificates?.close()
  await rm(folder, { recursive: true })
})

async function open(): Promise<WatchedCertificates> {
  const log = pino({ level: 'info' }, { write: (line: string) => logged.emit(JSON.parse(line).msg) })
  const { TLS_CERT: certPath, TLS_KEY: keyPath } = tlsPairIn(folder)
  certificates = await openCertificates(
    { clock: systemClock, log, metrics },
    { folder, hostNames: [], tls: { certPath, keyPath }, x509CaPath: undefined },
  )
  return certificates
}

const fingerprintOf = ({ cert }: { readonly cert: string }): string => new X509Certificate(cert).fingerprint256

test('a changed pair is used without a signal; a broken one is not, and a metric shows it', async () => {
  const pair = tlsPairIn(folder)
  const first = await writeTlsPair(pair)
  const opened = await open()
  const used: string[] = []
  opened.listen((next) => used.push(fingerprintOf(next)))
  expect(used).toEqual([first])

  const changed = once(logged, 'new connections get other certificates')
  const second = await writeTlsPair(pair)
  await changed
  expect(used).toEqual([first, second])
  expect(await metrics.print()).toMatch(/^twincast_certificate_valid 1$/m)

  const refused = once(logged, 'certificates could not be reloaded; the current ones stay in use')
  await writeFile(pair.TLS_KEY, 'none')
  await refused
  expect(fingerprintOf(opened.current())).toBe(second)
  expect(used).toEqual([first, second])
  expect(await metrics.print()).toMatch(/^twincast_certificate_valid 0$/m)
})

test('at the start a pair that cannot be used is an error', async () => {
  await writeTlsPair(tlsPairIn(folder))
  await writeFile(tlsPairIn(folder).TLS_CERT, 'none')
  await expect(open()).rejects.toThrow(CertificateError)
})
