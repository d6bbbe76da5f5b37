import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(resolve(root, file), 'utf8')
const changelog = read('CHANGELOG.md')

test('the changelog begins with what is unreleased, then the version of package.json with its date', () => {
  const { version } = JSON.parse(read('package.json'))
  const headings = [...changelog.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)
  expect(headings[0]).toBe('Unreleased')
  expect(headings[1]).toMatch(new RegExp(`^${version} - \\d{4}-\\d\\d-\\d\\d$`))
  expect(JSON.parse(read('package-lock.json'))).toMatchObject({ version, packages: { '': { version } } })
})

test('the changelog names every migration, so that an upgrade holds no surprise', () => {
  const migrations = readdirSync(resolve(root, 'prisma/migrations')).filter((name) => /^\d/.test(name))
  const named = [...changelog.matchAll(/^\| `(\d{14}_\w+)` \|/gm)].map(([, name]) => name)
  expect(named.sort()).toEqual(migrations.sort())
})
