import { readFile } from 'node:fs/promises'
import { beforeEach, expect, test } from 'vitest'
import { catalogue } from '../../src/metrics/catalogue.ts'
import { createMetrics, type Metrics } from '../../src/metrics/metrics.ts'
import { printMetrics } from '../../src/metrics/print-metrics.ts'

let metrics: Metrics

beforeEach(() => {
  metrics = createMetrics()
})

test.skipIf(process.platform !== 'linux')('docs/metrics.md is what the table prints', async () => {
  const stored = await readFile(new URL('../../docs/metrics.md', import.meta.url), 'utf8')
  expect(await printMetrics(), 'run `npm run metrics`').toBe(stored)
})

test('every metric is printed with its type and its purpose, also before it has a value', async () => {
  const text = await metrics.print()
  for (const [name, { type, help }] of Object.entries(catalogue)) {
    expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`)
  }
})

test('all names begin with twincast_, and those of counters end with _total', async () => {
  const types = [...(await metrics.print()).matchAll(/^# TYPE (\S+) (\S+)$/gm)]
  expect(types.length).toBeGreaterThan(Object.keys(catalogue).length)
  for (const [, name, type] of types) {
    expect(name).toMatch(/^twincast_[a-z0-9_]+$/)
    if (type === 'counter') expect(name).toMatch(/_total$/)
  }
})

test('a counter whose labels have few values begins at 0 for each of them', async () => {
  expect(await metrics.print()).toContain('twincast_webhook_attempts_total{outcome="dead"} 0\n')
  metrics.count('twincast_clients_refused_total', { protocol: 'REST', cause: 'origin' })
  const text = await metrics.print()
  expect(text).toContain('twincast_clients_refused_total{protocol="REST",cause="origin"} 1\n')
  expect(text).toContain('twincast_clients_refused_total{protocol="MQTT",cause="overload"} 0\n')
})

test('a counter adds up for each combination of labels', async () => {
  metrics.count('twincast_sign_ins_refused_total', { reason: 'expired' })
  metrics.count('twincast_sign_ins_refused_total', { reason: 'expired' }, 2)
  metrics.count('twincast_sign_ins_refused_total', { reason: 'issuer' })
  const text = await metrics.print()
  expect(text).toContain('twincast_sign_ins_refused_total{reason="expired"} 3\n')
  expect(text).toContain('twincast_sign_ins_refused_total{reason="issuer"} 1\n')
})

test('values are read when the metrics are printed, from all parts that have some', async () => {
  let age = 5
  metrics.read('twincast_jwks_age_seconds', () => [{ labels: { issuer: 'https://a.example' }, value: age }])
  metrics.read('twincast_jwks_age_seconds', async () => [{ labels: { issuer: 'https://b.example' }, value: 1 }])
  await metrics.print()
  age = 7
  const text = await metrics.print()
  expect(text).toContain('twincast_jwks_age_seconds{issuer="https://a.example"} 7\n')
  expect(text).toContain('twincast_jwks_age_seconds{issuer="https://b.example"} 1\n')
})

test('samples that cannot be read are left out, and the others are printed', async () => {
  let isReadable = true
  metrics.read('twincast_roles_file_valid', () => {
    if (isReadable) return [{ labels: {}, value: 1 }]
    throw new Error('The file is gone.')
  })
  expect(await metrics.print()).toMatch(/^twincast_roles_file_valid 1$/m)
  isReadable = false
  metrics.set('twincast_trusted_documents_valid', {}, 1)
  const text = await metrics.print()
  expect(text).not.toMatch(/^twincast_roles_file_valid /m)
  expect(text).toMatch(/^twincast_trusted_documents_valid 1$/m)
})

test('a gauge that was never set has no value', async () => {
  expect(await metrics.print()).not.toMatch(/^twincast_roles_file_valid /m)
})

test('calls at the same time read values once', async () => {
  let reads = 0
  metrics.read('twincast_roles_file_valid', async () => [{ labels: {}, value: ++reads }])
  const [one, other] = await Promise.all([metrics.print(), metrics.print()])
  expect(other).toBe(one)
  expect(reads).toBe(1)
})
