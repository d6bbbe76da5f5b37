import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openAddresses } from '../support/addresses.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

/**
 * No container engine is needed: the steps of the Dockerfile run in a folder in place of the root of the file system. The
 * packages of the checkout are those that its `npm ci` would install.
 */
const run = promisify(execFile)
const checkout = resolve(import.meta.dirname, '../..')
const isRoot = process.getuid?.() === 0

type Step = { readonly word: string; readonly text: string }
const steps: readonly Step[] = readFileSync(join(checkout, 'Dockerfile'), 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, word, text] = /^([A-Z]+) (.*)$/.exec(line) ?? []
    return word === undefined || text === undefined ? [] : [{ word, text }]
  })
const textsOf = (wanted: string): string[] => steps.flatMap(({ word, text }) => (word === wanted ? text : []))

/** The folder in place of `/`. */
let place: string
/** A text of the Dockerfile with the paths of the image in that folder, and those of the sources in the checkout. */
const placed = (text: string): string =>
  text.replaceAll(/(?<![\w.:/])\/(src|package|opt|var)(?![\w])/g, (path, top) =>
    top === 'src' ? checkout : place + path,
  )
let database: TestDatabase
let hub: ChildProcess
let entries: Record<string, unknown>[]
let env: Record<string, string>

/** The command of the image in the exec form, as the image's user when root runs the tests. */
function commandOf(...texts: readonly string[]): [string, string[]] {
  const [, program = '', ...args]: string[] = ['', ...texts.flatMap((text) => JSON.parse(placed(text)))]
  const [uid = '', gid = ''] = textsOf('USER')[0]?.split(':') ?? []
  const asUser = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', program, ...args]
  return isRoot ? ['setpriv', asUser] : [program, args]
}

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'twincast-image-'))
  if (isRoot) await run('chmod', ['755', place])
  for (const { word, text } of steps) {
    // Only root may give a folder away.
    const command = isRoot ? placed(text) : placed(text).replace(/&& chown \S+ \S+/, '')
    if (word === 'RUN' && !text.startsWith('npm ci')) {
      await run('sh', ['-c', command.replace('npm install', 'npm install --prefer-offline')], { cwd: checkout })
    }
    if (word === 'COPY' && text.startsWith('--from=')) {
      const [, from = '', to = ''] = text.split(' ')
      if (from !== to) await cp(placed(from), placed(to), { recursive: true })
    }
  }
  database = await createTestDatabase()
  entries = []
  env = {
    ...Object.fromEntries(
      textsOf('ENV').map((text) =>
        placed(text)
          .replace('$PATH', process.env.PATH ?? '')
          .split(/=(.*)/),
      ),
    ),
    ...{ HTTP_PORT: '0', HTTPS_PORT: '0', MQTTS_PORT: '0', METRICS_PORT: '0' },
    DATABASE_URL: database.url,
  }
  const [program, args] = commandOf(textsOf('ENTRYPOINT')[0] ?? '', textsOf('CMD').at(-1) ?? '')
  hub = spawn(program, args, {
    cwd: placed(textsOf('WORKDIR').at(-1) ?? ''),
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (hub.stdout === null) return
  for await (const line of createInterface({ input: hub.stdout })) {
    entries.push(JSON.parse(line))
    if (line.includes('"msg":"ready"')) break
  }
  hub.stdout.resume()
}, 600_000)
afterAll(async () => {
  if (hub.exitCode === null && hub.signalCode === null) hub.kill('SIGKILL')
  await database.drop()
  await rm(place, { recursive: true, force: true })
})

const addresses = () => openAddresses(JSON.parse(JSON.stringify(entries.at(-1))))

test('the image starts a hub as a user without rights, on the ports that the image publishes', async () => {
  const { http, https, mqtt, mqtts, metrics } = addresses()
  expect((await fetch(`${http}/readyz`)).status).toBe(200)
  expect((await fetch(`${http}/console/`)).status).toBe(200)
  expect([http, https, mqtts, metrics].map((address) => new URL(address).hostname)).toEqual([
    '127.0.0.1',
    ...Array(3).fill('localhost'),
  ])
  expect(mqtt).toBe('')
  expect(entries.at(-1)).toMatchObject({ access: 'every request needs a token' })
})

test('the image has the packages of the lock file, and no others', () => {
  const packagesOf = (file: string): Record<string, { readonly version: string }> =>
    JSON.parse(readFileSync(file, 'utf8')).packages
  const { 'node_modules/twincast': own, ...installed } = packagesOf(
    join(place, 'opt/twincast/node_modules/.package-lock.json'),
  )
  expect(own).toBeDefined()
  const locked = packagesOf(join(checkout, 'package-lock.json'))
  for (const [path, { version }] of Object.entries(installed))
    expect([path, locked[path]?.version]).toEqual([path, version])
})

test('the image has the command for those who look into its container', async () => {
  const { stdout } = await run('twincast', ['token', '--host', 'hub.example'], { env })
  expect(stdout).toMatch(/^SharedAccessSignature sr=hub\.example&/)
})

test('the check of the image succeeds while the hub answers, and fails otherwise', async () => {
  const [check = ''] = textsOf('HEALTHCHECK')
  const [program, args] = commandOf(check.replace(/^.*?CMD /, ''))
  const result = async (port: string): Promise<unknown> =>
    run(program, args, { env: { ...env, HTTP_PORT: port } }).then(
      () => 0,
      ({ code }) => code,
    )
  expect(await result(new URL(addresses().http).port)).toBe(0)
  expect(await result('1')).toBe(1)
})

test('the signal of the image stops the hub, without an error', async () => {
  const [signal] = textsOf('STOPSIGNAL')
  expect(signal).toBe('SIGTERM')
  hub.kill('SIGTERM')
  const [code] = await once(hub, 'exit')
  expect(code).toBe(0)
})
