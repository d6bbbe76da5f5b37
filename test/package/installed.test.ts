import { execFile, spawn } from 'node:child_process'
import { copyFile, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createProgram } from '../../src/cli/program.ts'
import { version } from '../../src/version.ts'

const root = resolve(import.meta.dirname, '../..')
const run = promisify(execFile)
const isRoot = process.getuid?.() === 0

/** An empty folder, in which the package is then installed as another team would install it. */
let folder: string
/** The name of each installed package, once per copy. */
let names: readonly string[]
const installed = (path: string): string => join(folder, 'node_modules', path)

// The build, if anything has changed since the last one, and the installation of 130 packages.
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twincast-package-'))
  await run('npm', ['pack', '--loglevel=error', '--pack-destination', folder], { cwd: root })
  const [tarball = ''] = await readdir(folder)
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n')
  // Fails when a package needs a newer Node.js than this one, which `.nvmrc` makes the oldest that the hub supports.
  const options = ['--omit=dev', '--prefer-offline', '--engine-strict', '--no-audit', '--no-fund', '--loglevel=error']
  await run('npm', ['install', ...options, `./${tarball}`], { cwd: folder })
  const lock: { readonly packages: object } = JSON.parse(await readFile(installed('.package-lock.json'), 'utf8'))
  names = Object.keys(lock.packages).map((path) => path.replace(/^.*node_modules\//, ''))
  // Root's installation is used by a user to whom it does not belong, too.
  if (isRoot) await run('chmod', ['-R', 'a+rX', folder])
}, 600_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Runs a program in the folder: as `nobody` when root runs the tests. */
async function runHere(command: string, ...args: readonly string[]): Promise<string> {
  const asNobody = ['--reuid=65534', '--regid=65534', '--clear-groups', command]
  const [program, all] = isRoot ? ['setpriv', [...asNobody, ...args]] : [command, args]
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    npm_config_cache: join(tmpdir(), 'none'),
    npm_config_offline: 'true',
  }
  const { stdout } = await run(program, all, { cwd: folder, env })
  return stdout
}

test('npx runs the command of the package, also for a user that has not installed it', async () => {
  expect(await runHere('npx', 'twincast', '--version')).toBe(`${version}\n`)
  const help = await runHere('npx', 'twincast', '--help')
  for (const command of createProgram().commands) expect(help).toMatch(new RegExp(`^  ${command.name()}\\b`, 'm'))
})

test('the command has the heap of a busy hub and the libraries of production, and the process that was started is Node.js itself', async () => {
  const probe = 'data:text/javascript,console.log(process.pid,process.env.NODE_ENV,...process.execArgv)'
  const child = spawn(installed('.bin/twincast'), ['--version'], {
    env: { PATH: process.env.PATH, NODE_OPTIONS: `--import=${probe}` },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const flags = '--max-semi-space-size=32 --initial-old-space-size=256'
  expect(await text(child.stdout)).toBe(`${child.pid} production ${flags}\n${version}\n`)
})

test('the package has what a hub needs, built, and neither sources nor what only its developers need', async () => {
  const files = await readdir(installed('twincast'), { recursive: true })
  const needed = [
    'dist/cli/twincast.js',
    'dist/console/index.html',
    'dist/console/graphiql.html',
    'dist/generated/prisma/client.js',
    'dist/generated/console/persisted-documents.json',
    'dist/generated/commands/persisted-documents.json',
    'docs/configuration.md',
    'schema.graphql',
    'LICENSE',
  ]
  expect(needed.filter((file) => !files.includes(file))).toEqual([])
  const migrations = (await readdir(join(root, 'prisma/migrations'))).filter((name) => /^\d/.test(name))
  expect(migrations.filter((name) => !files.includes(`prisma/migrations/${name}/migration.sql`))).toEqual([])
  expect(files.filter((file) => /(^|\/)(src|test|bench|dev|node_modules)(\/|$)|\.map$|\/\.[^/]+$/.test(file))).toEqual(
    [],
  )
  expect(files.filter((file) => /(?<!\.d)\.tsx?$/.test(file))).toEqual([])
})

test('the package has the licences of the packages that are built into the console', async () => {
  const licences = await readFile(installed('twincast/dist/console/licences.md'), 'utf8')
  for (const name of ['react', 'react-dom', 'react-router', 'urql', 'uplot', '@codemirror/view', 'oauth4webapi']) {
    expect(licences).toMatch(new RegExp(`^## ${name} - .*\\n\\n[^#]*(Permission is hereby granted|MIT License)`, 'm'))
  }
  const graphiql = await readFile(installed('twincast/dist/console/graphiql-licence.txt'), 'utf8')
  expect(graphiql).toContain('Permission is hereby granted')
})

test('no compiler and no generator is installed with it, and the whole takes 140 packages and 200 MB at most', async () => {
  expect(names.length).toBeLessThanOrEqual(140)
  const developers =
    /^(typescript|tsx|vite|rolldown|esbuild|prisma|@prisma\/engines|@graphql-codegen\/.*|react|vitest)$/
  expect(names.filter((name) => developers.test(name))).toEqual([])
  expect(await sizeOf(installed(''))).toBeLessThan(200e6)
})

test('packages whose copies refuse the objects of each other are installed once', async () => {
  const several = names.filter((name, index) => names.indexOf(name) !== index)
  expect(
    several.filter((name) => /^(graphql|pg|pino|ws)$|^@(graphql-yoga|pothos|prisma|whatwg-node)\//.test(name)),
  ).toEqual([])
})

test('a program without root starts a hub of the package, calls a device of it, changes its large twin, and ends by itself', async () => {
  const program = `
    import { createHub, simulateFleet } from 'twincast'
    import { invokeDeviceMethod, updateTwin } from 'twincast/documents'
    const hub = await createHub()
    const fleet = await simulateFleet({ hub, devices: 1 })
    const deviceId = 'device-1'
    const answer = await hub.execute(invokeDeviceMethod, { input: { deviceId, methodName: 'reboot' } })
    const desired = Object.fromEntries(Array.from({ length: 3_000 }, (_, index) => ['k' + index, true]))
    const { updateTwin: changed } = await hub.execute(updateTwin, { input: { deviceId, patch: { properties: { desired } } } })
    console.log(JSON.stringify({ ...answer, changed: changed.__typename }))
    await fleet.stop()
    await hub.stop()`
  expect(JSON.parse(await runHere(process.execPath, '--input-type=module', '--eval', program))).toEqual({
    invokeDeviceMethod: { __typename: 'InvokeDeviceMethodPayload', status: 200, payload: null },
    changed: 'UpdateTwinPayload',
  })
}, 180_000)

test('the test of another team, in examples/testing, passes with the package and its types', async () => {
  const example = join(root, 'examples/testing')
  for (const file of await readdir(example)) {
    if (file.endsWith('.ts')) await copyFile(join(example, file), join(folder, file))
  }
  const own: { readonly dependencies: object; readonly devDependencies: object } = JSON.parse(
    await readFile(join(example, 'package.json'), 'utf8'),
  )
  const { twincast, ...others } = { twincast: '', ...own.devDependencies, ...own.dependencies }
  expect(twincast).toBe('file:../..')
  const all = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  expect(all.devDependencies).toMatchObject(others)
  // The packages of this repository.
  await mkdir(installed('@types'), { recursive: true })
  for (const name of [...Object.keys(others), 'azure-iot-common', 'vite', '@types/node']) {
    await rm(installed(name), { recursive: true, force: true })
    await symlink(join(root, 'node_modules', name), installed(name), 'junction')
  }
  const options = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2023', '--skipLibCheck']
  const typescript = join(root, 'node_modules/.bin/tsc')
  await run(typescript, [...options, '--allowImportingTsExtensions', '--types', 'node', 'reboot-at-night.test.ts'], {
    cwd: folder,
  })
  await run(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', folder], { cwd: folder })
}, 300_000)

/** Bytes of the files in a folder. */
async function sizeOf(path: string): Promise<number> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const sizes = await Promise.all(files.map(async (file) => (await lstat(join(file.parentPath, file.name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}
