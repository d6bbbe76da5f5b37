import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { effectOf } from '../../dev/sources.ts'

const root = resolve(import.meta.dirname, '../..')

test.each([
  ['src/app.ts', 'restart'],
  ['src/database/client.ts', 'restart'],
  ['src/generated/prisma/client.ts', 'restart'],
  ['src/console/pages/jobs/documents.ts', 'documents'],
  ['schema.graphql', 'documents'],
  ['prisma/schema.prisma', 'generate'],
  // Vite does these.
  ['src/console/pages/jobs/page.tsx', undefined],
  ['src/console/tokens.css', undefined],
  ['src/generated/console/gql.ts', undefined],
  ['src/console/removed.ts', undefined],
])('after a change of %s: %s', (file, effect) => {
  expect(effectOf(file, resolve(root, file))).toBe(effect)
})
