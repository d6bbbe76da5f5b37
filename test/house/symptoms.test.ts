import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(resolve(root, file), 'utf8')

test('the symptoms in docs/operations.md are texts of the hub, metrics and alerts, as an operator sees them', () => {
  const [, section = ''] = /^## What to do when\n([\s\S]*?)^## /m.exec(read('docs/operations.md')) ?? []
  const rows = [...section.matchAll(/^\| ([^|]+) \|/gm)].map(([, symptom = '']) => symptom)
  const quoted = rows.flatMap((row) => [...row.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text))
  expect(quoted.length).toBeGreaterThan(30)
  const known = [
    read('deploy/prometheus/alerts.yml'),
    read('docs/metrics.md'),
    ...readdirSync(resolve(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.startsWith('generated'))
      .map((file) => read(`src/${file}`)),
  ].join('\n')
  expect(quoted.filter((text) => !known.includes(text))).toEqual([])
})
