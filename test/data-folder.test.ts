import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DataFolderError, openDataFolder } from '../src/data-folder.ts'

let parent: string
let path: string
const children: ChildProcess[] = []

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'twincast-test-'))
  path = join(parent, 'data')
})

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rm(parent, { recursive: true })
})

const modeOf = async (file: string): Promise<number> => (await stat(file)).mode & 0o777

/** Arguments and environment of another program that opens the folder, runs `then` and prints the error it got. */
function opener(then: string, options: { flock: boolean }) {
  const module = new URL('../src/data-folder.ts', import.meta.url).href
  const code = `import { openDataFolder } from ${JSON.stringify(module)}
    openDataFolder(${JSON.stringify(path)}).then(() => { ${then} }, (error) => console.log(error.message))`
  // Without flock: as on a system that lacks the command.
  const env = { PATH: options.flock ? '/usr/bin:/bin' : '/nowhere', TSX_DISABLE_CACHE: '1' }
  return { args: ['--import', loader, '--input-type=module', '-e', code], env }
}

const loader = createRequire(import.meta.url).resolve('tsx')

/** Another program that takes the folder and keeps it until it is killed. */
async function holdElsewhere(options: { flock: boolean }): Promise<ChildProcess> {
  const { args, env } = opener("console.log('held'); setInterval(() => {}, 1000)", options)
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env })
  children.push(child)
  const [output] = await once(child.stdout, 'data')
  expect(String(output)).toBe('held\n')
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

describe('the data folder', () => {
  it('is made for its user alone, with the folders above it', async () => {
    const folder = await openDataFolder(join(path, 'deeper'))
    expect(await modeOf(folder.path)).toBe(0o700)
    await folder.release()
  })

  it('is closed to the writing of others when it is there already', async () => {
    await chmod(parent, 0o777)
    const folder = await openDataFolder(parent)
    expect(await modeOf(parent)).toBe(0o755)
    await folder.release()
  })

  it('says which path cannot be used, and why', async () => {
    await writeFile(path, 'a file')
    const below = join(path, 'data')
    await expect(openDataFolder(below)).rejects.toThrow(DataFolderError)
    await expect(openDataFolder(below)).rejects.toThrow(`The data folder ${below} cannot be used (ENOTDIR`)
  })

  it('is told from a file, which is left as it is', async () => {
    await writeFile(path, 'a file')
    await expect(openDataFolder(path)).rejects.toThrow(
      new DataFolderError(
        `The data folder ${path} cannot be used: it is a file. Set DATA_DIR to a folder, or move the file.`,
      ),
    )
    expect(await readFile(path, 'utf8')).toBe('a file')
  })
})

describe('the lock', () => {
  it('keeps a second program out and names the first', async () => {
    const child = await holdElsewhere({ flock: true })
    const sentence = new RegExp(`${path} is in use by another Twincast instance \\(process ${child.pid}\\).*DATA_DIR`)
    await expect(openDataFolder(path)).rejects.toThrow(sentence)
  })

  it('keeps the same program out, too', async () => {
    const folder = await openDataFolder(path)
    await expect(openDataFolder(path)).rejects.toThrow(`process ${process.pid}`)
    await folder.release()
  })

  it('is free after a release', async () => {
    await (await openDataFolder(path)).release()
    const again = await openDataFolder(path)
    expect(again.path).toBe(path)
    await again.release()
  })

  it('is free after its holder was killed', async () => {
    await kill(await holdElsewhere({ flock: true }))
    const folder = await openDataFolder(path)
    expect(folder.path).toBe(path)
    await folder.release()
  })

  it('does not mistake a process that got the id of a killed holder for it', async () => {
    await (await openDataFolder(path)).release()
    await writeFile(join(path, 'lock'), JSON.stringify({ pid: process.ppid, started: 'long ago' }))
    const child = await holdElsewhere({ flock: false })
    expect(JSON.parse(await readFile(join(path, 'lock'), 'utf8'))).toMatchObject({ pid: child.pid })
  })

  it('keeps a second program out where the system has no flock command', async () => {
    await holdElsewhere({ flock: false })
    const { args, env } = opener("console.log('held')", { flock: false })
    const second = spawnSync(process.execPath, args, { env, encoding: 'utf8' })
    expect(second.stdout).toContain('in use by another Twincast')
  })
})

describe('a secret', () => {
  it('is made once, and kept for its user alone', async () => {
    const folder = await openDataFolder(path)
    expect(await folder.secret('owner-key', () => 'first')).toBe('first')
    expect(await folder.secret('owner-key', () => 'second')).toBe('first')
    expect(await modeOf(join(folder.path, 'owner-key'))).toBe(0o600)
    expect((await readdir(folder.path)).sort()).toEqual(['lock', 'owner-key'])
    await folder.release()
  })

  it('is made although a crash left a half-written one', async () => {
    const folder = await openDataFolder(path)
    await writeFile(join(path, 'owner-key.new'), 'ha', { mode: 0o644 })
    expect(await folder.secret('owner-key', () => 'whole')).toBe('whole')
    expect(await modeOf(join(path, 'owner-key'))).toBe(0o600)
    await folder.release()
  })

  it('is not replaced in silence when its file was emptied', async () => {
    const folder = await openDataFolder(path)
    await writeFile(join(path, 'owner-key'), '')
    await expect(folder.secret('owner-key', () => 'new')).rejects.toThrow(/owner-key is empty/)
    await folder.release()
  })
})
