import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(resolve(root, file), 'utf8')

test('the npm scripts that documents name exist', () => {
  const { scripts } = JSON.parse(read('package.json'))
  const documents = ['.', 'docs'].flatMap((folder) =>
    readdirSync(resolve(root, folder)).flatMap((file) => (file.endsWith('.md') ? [`${folder}/${file}`] : [])),
  )
  const named = documents.flatMap((file) =>
    [...read(file).matchAll(/npm run (?:-s |--silent )?(\w+)/g)].map(([, script = '']) => ({ file, script })),
  )
  expect(named.length).toBeGreaterThan(20)
  expect(named.filter(({ script }) => !(script in scripts))).toEqual([])
})
