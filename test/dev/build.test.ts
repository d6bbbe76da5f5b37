import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A copy of what the build reads and writes, without packages. */
function copyOfProject(): string {
  const parts = ['package.json', 'package-lock.json', 'schema.graphql', 'codegen.ts', 'prisma.config.ts', 'prisma']
  return copyOf([...parts, ...settings, 'vite.config.ts', 'dev', 'src', 'test', 'bench', 'dist'])
}

/** A project that has the same build and one source, which is compiled in no time. */
function smallProject(): string {
  const documents = ['console', 'commands'].map((program) => `src/generated/${program}/persisted-documents.json`)
  const folder = copyOf(['package.json', 'package-lock.json', ...settings, 'dev', ...documents])
  mkdirSync(join(folder, 'src/cli'))
  writeFileSync(join(folder, 'src/cli/twincast.ts'), "console.log('Twincast')\n")
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

const settings = ['tsconfig.json', 'tsconfig.build.json']

function copyOf(parts: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'twincast-build-'))
  folders.push(folder)
  for (const part of parts) {
    cpSync(join(root, part), join(folder, part), {
      recursive: true,
      filter: (path) => !/node_modules|dist\/(console\/assets|\.tests)/.test(path.slice(root.length)),
    })
  }
  return folder
}

function build(folder: string, steps: readonly string[], variables: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dev/build.js', ...steps], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...variables },
  })
  return { status, said: stdout + stderr }
}

test('what is built already is not built again, and needs no compilers then', () => {
  const folder = copyOfProject()
  expect(build(folder, [])).toEqual({ status: 0, said: '' })
})

test('an installation without development packages is complete, and a build of it says what is missing', () => {
  const folder = copyOfProject()
  writeFileSync(join(folder, 'src/new.ts'), 'export const query = () => graphql(`query New { hub { name } }`)\n')
  const prepared = build(folder, ['generate'], { npm_lifecycle_event: 'prepare' })
  expect(prepared).toEqual({
    status: 0,
    said: expect.stringMatching(/^Not built: graphql-codegen and prisma are? missing/),
  })
  expect(build(folder, ['compile'])).toEqual({
    status: 1,
    said: expect.stringContaining('Run "npm ci" without --omit=dev'),
  })
})

test('a source that has changed is compiled, and one that is gone leaves nothing', () => {
  const folder = smallProject()
  const compiled = join(folder, 'dist/new.js')
  writeFileSync(join(folder, 'src/new.ts'), 'export const answer: number = 42\n')
  expect(build(folder, ['compile'])).toEqual({ status: 0, said: '' })
  expect(readFileSync(compiled, 'utf8')).toContain('answer = 42')
  expect(existsSync(join(folder, 'dist/new.d.ts'))).toBe(true)
  rmSync(join(folder, 'src/new.ts'))
  expect(build(folder, ['compile']).status).toBe(0)
  expect(existsSync(compiled)).toBe(false)
  expect(existsSync(join(folder, 'dist/cli/twincast.js'))).toBe(true)
})

test('an unknown step is refused', () => {
  expect(build(root, ['all'])).toEqual({
    status: 1,
    said: 'There is no step "all". The steps are generate, compile, console.\n',
  })
})
