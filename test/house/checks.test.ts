import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parts } from '../../src/readiness.ts'

test('docs/operations.md lists every check of /readyz, and says which leave it at 200', () => {
  const document = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8')
  const [, table = ''] = /^\| check \| fails while \|\n\|---\|---\|\n([\s\S]*?)\n\n/m.exec(document) ?? []
  const rows = [...table.matchAll(/^\| `(\w+)` \| (.*) \|$/gm)].map(([, part = '', text = '']) => [
    part,
    text.includes('`/readyz` stays 200') ? 'harmless' : 'needed',
  ])
  expect(rows).toEqual(Object.entries(parts))
})
