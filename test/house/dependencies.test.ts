import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(resolve(root, file), 'utf8')

const { dependencies, devDependencies }: Readonly<Record<string, Readonly<Record<string, string>>>> = JSON.parse(
  read('package.json'),
)
const packages = Object.keys({ ...dependencies, ...devDependencies })

const table = read('ARCHITECTURE.md').split('\n## Dependencies\n')[1] ?? ''
/** The first column of the table: names such as `pg`, and patterns such as `@types/*`. */
const entries = [...table.matchAll(/^\| ([^|]+) \|/gm)]
  .map(([, names = '']) => names)
  .filter((names) => !/^(?:package|-+)$/.test(names))
  .flatMap((names) => names.replace(/\*[^*]+:\* /, '').split(', '))
  .map((name) => name.replace('\\*', '*'))

const covers = (entry: string, name: string): boolean =>
  entry.endsWith('*') ? name.startsWith(entry.slice(0, -1)) : name === entry

test('each dependency of package.json is in the table of ARCHITECTURE.md', () => {
  expect(packages.length).toBeGreaterThan(40)
  expect(packages.filter((name) => !entries.some((entry) => covers(entry, name)))).toEqual([])
})

test('each package in the table of ARCHITECTURE.md is a dependency of package.json', () => {
  expect(entries.filter((entry) => !packages.some((name) => covers(entry, name)))).toEqual([])
})

test('no package is in the table of ARCHITECTURE.md twice', () => {
  expect(packages.filter((name) => entries.filter((entry) => covers(entry, name)).length > 1)).toEqual([])
})
