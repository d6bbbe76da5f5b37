import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createVitest, type TestSpecification, type Vitest } from 'vitest/node'
import { foldersApart } from '../support/projects.ts'

const root = resolve(import.meta.dirname, '../..')

const filesBelow = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${folder}/${file}`)
const isSupport = (file: string): boolean => file.startsWith('test/support/')
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8')

/** Files that share a process with others: tests, and what only they import. */
const filesTogether = filesBelow('test').filter(
  (file) =>
    !file.endsWith('.apart.test.ts') &&
    !foldersApart.some((folder) => file.startsWith(`test/${folder}/`)) &&
    !isSupport(file),
)

let run: Vitest
let files: TestSpecification[]
beforeAll(async () => {
  run = await createVitest('test', { watch: false })
  files = await run.globTestSpecifications()
})
afterAll(() => run.close())

test('every test file is in one project of the run, and in one only', () => {
  expect(files.map(({ moduleId }) => relative(root, moduleId)).sort()).toEqual(
    filesBelow('test')
      .filter((file) => file.endsWith('.test.ts'))
      .sort(),
  )
})

test('files that share processes are started last, and of those and of the others first those that take long', async () => {
  const order = await new run.config.sequence.sequencer(run).sort(files)
  const shared = order.findIndex(({ project }) => !project.config.isolate)
  for (const group of [order.slice(0, shared), order.slice(shared)]) {
    const folders = group.map(({ moduleId }) => relative(join(root, 'test'), moduleId).split('/')[0])
    const areLong = folders.map((folder) =>
      ['browser', 'clients', 'database', 'examples', 'journeys'].includes(`${folder}`),
    )
    expect(areLong).toContain(true)
    expect(areLong.slice(areLong.indexOf(false))).not.toContain(true)
  }
  expect(order.slice(0, shared).map(({ project }) => project.config.isolate)).not.toContain(false)
  expect(order.slice(shared).map(({ project }) => project.config.isolate)).not.toContain(true)
})

test('a file that replaces modules or variables, or measures its process, shares it with no other', () => {
  const ofTheProcess =
    /\bvi\.(?:do)?(?:mock|stubEnv|stubGlobal|resetModules)\(|\bsetFlagsFromString\(|\bprocess\.(?:chdir|cpuUsage|memoryUsage|on|once)\(/i
  expect(filesTogether.filter((file) => ofTheProcess.test(textOf(file)))).toEqual([])
})

test('a module that test files share registers no hooks when it is imported, for only the first of them would have them', () => {
  const hooks = /^(?:after|before)(?:All|Each)\(/m
  const modules = [...filesTogether, ...filesBelow('test/support')].filter((file) => !file.endsWith('.test.ts'))
  expect(modules.filter((file) => hooks.test(textOf(file)))).toEqual([])
})
