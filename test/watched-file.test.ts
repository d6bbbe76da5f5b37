import { EventEmitter, once } from 'node:events'
import { mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lookInterval, quiet, type WatchedFile, watchFile } from '../src/watched-file.ts'
import { createTestClock, type TestClock } from './support/clock.ts'

let folder: string
let path: string
let clock: TestClock
let watched: WatchedFile | undefined
const logged: Record<string, unknown>[] = []
const log = pino({ level: 'warn' }, { write: (line: string) => logged.push(JSON.parse(line)) })

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'watched-'))
  path = join(folder, 'roles.json')
  await writeFile(path, 'one')
  clock = createTestClock()
  logged.length = 0
})
afterEach(async () => {
  watched?.close()
  await rm(folder, { recursive: true, force: true })
})

/** The texts that are read, and a promise of the next one. */
function watchTexts(file = path, failing = false) {
  const texts: string[] = []
  const reads = new EventEmitter()
  watched = watchFile({ clock, log }, file, async () => {
    const text = await readFile(file, 'utf8')
    texts.push(text)
    reads.emit('read', text)
    if (failing) throw new Error('not good')
  })
  const next = async (): Promise<unknown> => (await once(reads, 'read'))[0]
  return { texts, next }
}

/** Resolves when somebody waits on the clock for the quiet after a change. */
function changeNoticed(): Promise<void> {
  const { sleep } = clock
  return new Promise((resolve) => {
    clock = {
      ...clock,
      sleep(ms, signal) {
        const slept = sleep(ms, signal)
        if (ms === quiet) resolve()
        return slept
      },
    }
  })
}

test('a file that is replaced by renaming is read again when the folder is quiet', async () => {
  const noticed = changeNoticed()
  const { texts, next } = watchTexts()
  const read = next()
  await writeFile(`${path}.new`, 'two')
  await rename(`${path}.new`, path)
  await noticed
  expect(texts).toEqual([])
  // Another report of the same change may begin the quiet anew.
  const advancing = setInterval(() => clock.advance(quiet), 5)
  expect(await read).toBe('two')
  clearInterval(advancing)
})

test('a link whose target is replaced is read again, without a report of the system', async () => {
  await writeFile(join(folder, 'second'), 'two!')
  const link = join(folder, 'link')
  await symlink('roles.json', link)
  const { next } = watchTexts(link)
  const read = next()
  await symlink('second', join(folder, 'link.new'))
  await rename(join(folder, 'link.new'), link)
  clock.advance(lookInterval)
  expect(await read).toBe('two!')
})

test('an unchanged file is not read again, except on request', async () => {
  const { texts } = watchTexts()
  clock.advance(lookInterval)
  await clock.asleep()
  clock.advance(lookInterval)
  expect(texts).toEqual([])
  await watched?.reload()
  expect(texts).toEqual(['one'])
})

test('a failure of the reader is logged, and the file stays watched', async () => {
  const { next } = watchTexts(path, true)
  await watched?.reload()
  expect(logged).toMatchObject([{ msg: 'changed file could not be read', path, err: { message: 'not good' } }])
  const read = next()
  await writeFile(path, 'three')
  clock.advance(lookInterval)
  expect(await read).toBe('three')
})

test('a folder that does not exist is no fault, and nothing is read after the end', async () => {
  const missing = join(folder, 'none', 'roles.json')
  const { texts } = watchTexts(missing)
  watched?.close()
  await watched?.reload()
  clock.advance(lookInterval)
  expect(texts).toEqual([])
})
