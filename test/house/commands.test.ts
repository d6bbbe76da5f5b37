import { existsSync, readdirSync, readFileSync } from 'node:fs'
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

test('the test files that the checks of a new machine name exist', () => {
  const named = [...read('.ci/run').matchAll(/\btest\/[\w/.-]+/g)].map(([file]) => file)
  expect(named.length).toBeGreaterThan(0)
  expect(named.filter((file) => !existsSync(resolve(root, file)))).toEqual([])
})

test('the tasks and launch configurations of VS Code name scripts and programs that exist', () => {
  const { scripts } = JSON.parse(read('package.json'))
  const { tasks } = JSON.parse(read('.vscode/tasks.json'))
  const { configurations } = JSON.parse(read('.vscode/launch.json'))
  const named = tasks.flatMap(({ script }: { script?: string }) => script ?? [])
  const programs = configurations.map(({ program }: { program: string }) => program.replace(/^.*\}\//, ''))
  expect(named.filter((script: string) => !(script in scripts))).toEqual([])
  expect(programs.filter((file: string) => !existsSync(resolve(root, file)))).toEqual([])
})
