import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { findProgram } from '../support/programs.ts'

const deploy = resolve(import.meta.dirname, '../../deploy')
const read = (file: string): string => readFileSync(resolve(deploy, file), 'utf8')
const promtool = findProgram('promtool')

/** The names of the metrics, with the suffixes that histograms add. */
async function knownNames(): Promise<ReadonlySet<string>> {
  const types = [...(await createMetrics().print()).matchAll(/^# TYPE (\S+) (\S+)$/gm)]
  return new Set(
    types.flatMap(([, name = '', type]) => (type === 'histogram' ? [`${name}_bucket`, `${name}_count`] : [name])),
  )
}

test.each(['grafana/twincast.json', 'prometheus/alerts.yml', 'prometheus/alerts.test.yml'])(
  '%s uses only metrics that the hub prints',
  async (file) => {
    const known = await knownNames()
    const used = new Set([...read(file).matchAll(/\btwincast_\w+/g)].map(([name]) => name))
    expect(used.size).toBeGreaterThan(5)
    expect([...used].filter((name) => !known.has(name))).toEqual([])
  },
)

test('docs/operations.md says what to do about each alert', () => {
  const document = readFileSync(resolve(deploy, '../docs/operations.md'), 'utf8')
  const alerts = [...read('prometheus/alerts.yml').matchAll(/- alert: (\w+)/g)].map(([, name]) => name)
  expect(alerts.length).toBeGreaterThan(5)
  expect(alerts.filter((name) => !document.includes(`\`${name}\``))).toEqual([])
})

test.skipIf(promtool === undefined).each([
  ['check', 'rules', 'prometheus/alerts.yml'],
  ['check', 'config', 'prometheus/prometheus.yml'],
  ['test', 'rules', 'prometheus/alerts.test.yml'],
])('promtool %s %s %s', async (command, kind, file) => {
  const { stdout } = await promisify(execFile)(promtool ?? '', [command, kind, resolve(deploy, file)])
  expect(stdout).toContain('SUCCESS')
})

test.skipIf(promtool === undefined)('the metrics follow the rules of promtool', async () => {
  const check = spawn(promtool ?? '', ['check', 'metrics'])
  let said = ''
  for (const output of [check.stdout, check.stderr]) {
    output.on('data', (chunk) => {
      said += chunk
    })
  }
  check.stdin.end(await createMetrics().print())
  const [code] = await once(check, 'close')
  expect(said).toBe('')
  expect(code).toBe(0)
})
