import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../../src')
const files = ['graphql', 'rest'].flatMap((door) =>
  readdirSync(join(root, door), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${door}/${file}`),
)

test('adapters read by Prisma what they know the ids of: whatever has to be looked for is read by a store, within a limit of time', () => {
  const searches = files.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8')
    const calls = [...text.matchAll(/\.(findMany|findFirst|findFirstOrThrow|count|aggregate|groupBy)\(\{/g)]
    return calls.map(([call]) => `${file}: ${call}`)
  })
  expect(searches).toEqual([])
})

test('documents are read by `documentsPerParent`, which paces them, or for one row of a subscription', () => {
  const count = (text: string, part: string): number => text.split(part).length - 1
  const others = files.filter((file) => {
    const text = readFileSync(join(root, file), 'utf8')
    return (
      file !== 'graphql/live/read-documents.ts' && count(text, 'answer.read(') > count(text, '= documentsPerParent(')
    )
  })
  expect(others).toEqual([])
})
