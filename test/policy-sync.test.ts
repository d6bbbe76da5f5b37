import { EventEmitter, once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readPolicies } from '../src/access/commands.ts'
import { createProgram } from '../src/cli/program.ts'
import { exitCodeOf } from '../src/cli/run-command.ts'
import { type DataFolder, openDataFolder } from '../src/data-folder.ts'
import { createMetrics, type Metrics } from '../src/metrics/metrics.ts'
import { settlePolicyFile, watchPolicyFile } from '../src/policy-sync.ts'
import type { WatchedFile } from '../src/watched-file.ts'
import { createTestDeps, type TestDeps } from './support/deps.ts'

let deps: TestDeps
let folder: DataFolder
let metrics: Metrics
let watched: WatchedFile
const logged = new EventEmitter()
beforeAll(async () => {
  deps = await createTestDeps()
  metrics = createMetrics()
  folder = await openDataFolder(await mkdtemp(join(tmpdir(), 'twincast-policies-')))
  await settlePolicyFile(deps, folder, undefined, true)
  const log = pino({ level: 'info' }, { write: (line: string) => logged.emit(JSON.parse(line).msg) })
  watched = await watchPolicyFile({ ...deps, log, metrics }, folder, { configuredKey: undefined, isShared: false })
})
afterAll(async () => {
  watched.close()
  await folder.release()
  await rm(folder.path, { recursive: true })
  await deps.close()
})

async function keysOf(name: string) {
  const policy = (await readPolicies(deps)).policies.find((each) => each.name === name)
  return { primary: policy?.primaryKey, secondary: policy?.secondaryKey }
}

async function rotate(...args: readonly string[]) {
  let message = ''
  const print = (text: string): void => {
    message += text
  }
  const code = await exitCodeOf(createProgram(), ['keys', 'rotate', ...args], { out: print, error: print })
  return { code, message }
}

test.each(['service', 'iothubowner'])(
  'twincast keys rotate gives the policy %s a new key, which a running hub uses, and keeps the one before',
  async (name) => {
    const before = await keysOf(name)
    const read = once(logged, 'policies read')
    expect(await rotate(name, '--data-dir', folder.path)).toMatchObject({ code: 0 })
    await read
    // The files of the owner are two.
    await expect.poll(async () => (await keysOf(name)).primary).not.toBe(before.primary)
    expect((await keysOf(name)).secondary).toBe(before.primary)
    expect(await readFile(join(folder.path, 'policies.json'), 'utf8')).toContain((await keysOf(name)).primary)
  },
)

test('policies that cannot be used change nothing, and a metric shows it', async () => {
  const path = join(folder.path, 'policies.json')
  const [text, before] = [await readFile(path, 'utf8'), await keysOf('service')]
  const refused = once(logged, 'policies could not be read; the current ones stay in force')
  await writeFile(path, '[]')
  await refused
  expect(await keysOf('service')).toEqual(before)
  expect(await metrics.print()).toMatch(/^twincast_policies_file_valid 0$/m)
  const read = once(logged, 'policies read')
  await writeFile(path, text)
  await read
  expect(await metrics.print()).toMatch(/^twincast_policies_file_valid 1$/m)
})

test("a key of the owner that is removed from a running hub's folder is not replaced", async () => {
  const before = await keysOf('iothubowner')
  const refused = once(logged, 'policies could not be read; the current ones stay in force')
  await rm(join(folder.path, 'iothubowner-key'))
  await refused
  expect(await keysOf('iothubowner')).toEqual(before)
})

test('an unknown policy, and a folder without policies, are refused with what is allowed', async () => {
  expect(await rotate('other', '--data-dir', folder.path)).toEqual({
    code: 2,
    message: expect.stringContaining('has no policy other. It has device, iothubowner,'),
  })
  expect(await rotate('service', '--data-dir', join(folder.path, 'none'))).toEqual({
    code: 2,
    message: expect.stringContaining('does not exist. Set --data-dir'),
  })
})
