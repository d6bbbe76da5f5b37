import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openRoles, type Roles } from '../../src/access/role-commands.ts'
import { builtInTable } from '../../src/access/roles.ts'
import { createMetrics, type Metrics } from '../../src/metrics/metrics.ts'
import { lookInterval } from '../../src/watched-file.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'

let folder: string
let path: string
let clock: TestClock
let metrics: Metrics
let roles: Roles | undefined
const logged: Record<string, unknown>[] = []
const log = pino({ level: 'warn' }, { write: (line: string) => logged.push(JSON.parse(line)) })

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'roles-'))
  path = join(folder, 'roles.json')
  clock = createTestClock()
  metrics = createMetrics()
  logged.length = 0
})
afterEach(async () => {
  roles?.close()
  await rm(folder, { recursive: true, force: true })
})

const open = async (): Promise<Roles> => {
  roles = await openRoles({ clock, log }, { path, metrics })
  return roles
}
/** Replaces the file as programs do. */
async function replace(text: string): Promise<void> {
  await writeFile(`${path}.new`, text)
  await rename(`${path}.new`, path)
}

test('without a file there are the built-in roles, and no metric', async () => {
  const none = await openRoles({ clock, log }, { path: undefined, metrics })
  expect(none.table()).toBe(builtInTable)
  expect(none.fingerprint()).toBeUndefined()
  expect(await metrics.print()).not.toMatch(/^twincast_roles/m)
})

test.each([
  ['is missing', undefined, /ENOENT/],
  ['has mistakes', '{"a":{"extends":"b"},"c":{"rights":1}}', /a\.extends: There is no role "b"/],
])('a file that %s stops the start, and the error names it', async (_case, text, reason) => {
  if (text !== undefined) await writeFile(path, text)
  await expect(open()).rejects.toMatchObject({
    message: `ROLES_FILE is ${path}, which cannot be used.`,
    cause: { message: expect.stringMatching(reason) },
  })
})

test('a changed file is in force; one with mistakes is not, and is logged once with all of them and shown by a metric', async () => {
  await writeFile(path, '{"a":{"rights":["readTwins"]}}')
  const open1 = await open()
  const first = open1.table()
  const fingerprint = open1.fingerprint()
  expect([...first.keys()]).toContain('a')
  expect(fingerprint).toMatch(/^[0-9a-f]{12}$/)
  expect(await metrics.print()).toContain('twincast_roles_file_valid 1\n')

  await replace('{"b":{"extends":"none"},"c":{"rights":1}}')
  while (logged.length === 0) await look()
  expect(logged).toMatchObject([
    {
      msg: 'roles could not be read; the current ones stay in force',
      problems: ['c.rights: It must be a list of rights.', 'b.extends: There is no role "none".'],
    },
  ])
  expect(open1.table()).toBe(first)
  expect(open1.fingerprint()).toBe(fingerprint)
  expect(await metrics.print()).toContain('twincast_roles_file_valid 0\n')
  expect(await metrics.print()).toContain(`twincast_roles_file_read_time_seconds ${Date.parse('2026-01-01') / 1_000}\n`)

  await replace('{"b":{"rights":["readTwins"]}}')
  while (!open1.table().has('b')) await look()
  expect(open1.table().has('a')).toBe(false)
  expect(await metrics.print()).toContain('twincast_roles_file_valid 1\n')
  expect(open1.fingerprint()).not.toBe(fingerprint)
})

/** Moves the clock to the next look at the file, and lets the look happen. */
async function look(): Promise<void> {
  clock.advance(lookInterval)
  await clock.giveWay()
}

test('a file that disappears leaves the roles in force', async () => {
  await writeFile(path, '{"a":{}}')
  const opened = await open()
  await rm(path)
  await opened.reload()
  expect(opened.table().has('a')).toBe(true)
  expect(await metrics.print()).toContain('twincast_roles_file_valid 0\n')
})
