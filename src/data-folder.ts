import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { chmod, mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** The folder with the hub's state, locked by this process until `release`. */
export type DataFolder = {
  /** Absolute, without symbolic links. */
  readonly path: string
  /**
   * The content of a file that only the hub's user can read. `make` is called once in the folder's life, when the file
   * is missing.
   */
  secret(name: string, make: () => string): Promise<string>
  /** Unlocks the folder for the next program. */
  release(): Promise<void>
}

/** The folder cannot be used; the sentence says which, why and what to do. */
export class DataFolderError extends Error {
  override readonly name: string = 'DataFolderError'
}

/** Another program has the folder. */
export class DataFolderInUseError extends DataFolderError {
  override readonly name = 'DataFolderInUseError'
}

/**
 * Makes the folder when it is missing (mode 0700) and locks it; a DataFolderInUseError at once when another program has it,
 * and a DataFolderError when it cannot be used.
 */
export async function openDataFolder(path: string): Promise<DataFolder> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    const folder = await realpath(path)
    await keepOthersFromWriting(folder)
    const release = lockFolder(folder)
    return {
      path: folder,
      secret: (name, make) => readOrMakeSecret(join(folder, name), make),
      async release() {
        release()
      },
    }
  } catch (error) {
    if (error instanceof DataFolderError) throw error
    // Of these calls, only mkdir fails when something exists.
    if (hasCode(error, 'EEXIST')) {
      throw new DataFolderError(
        `The data folder ${path} cannot be used: it is a file. Set DATA_DIR to a folder, or move the file.`,
      )
    }
    const reason = error instanceof Error ? error.message : String(error)
    throw new DataFolderError(
      `The data folder ${path} cannot be used (${reason}). Give this user access to the folder, or set DATA_DIR to another folder.`,
    )
  }
}

/**
 * Locks a folder that exists, until the returned function is called or this process ends; a DataFolderInUseError at once
 * when another program has it.
 */
export function lockFolder(folder: string): () => void {
  const lock = takeLock(folder)
  return () => {
    // The file is emptied and never removed: a program that has it open would lock a file that no other program sees.
    ftruncateSync(lock)
    closeSync(lock)
  }
}

/** Replaces a file as a whole, so that a crash leaves the old one or the new one. It is on disk when this resolves. */
export async function writeDurably(path: string, text: string, mode: number): Promise<void> {
  const next = `${path}.new`
  await rm(next, { force: true }) // one left by a crash would keep its own mode
  const file = await open(next, 'wx', mode)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(next, path)
  await syncFolder(dirname(path))
}

/** Makes a rename in the folder survive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function readOrMakeSecret(path: string, make: () => string): Promise<string> {
  try {
    const kept = (await readFile(path, 'utf8')).trim()
    if (kept === '')
      throw new DataFolderError(`The file ${path} is empty. Restore it, or remove it: the hub then creates a new one.`)
    return kept
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
  const secret = make()
  await writeDurably(path, `${secret}\n`, 0o600)
  return secret
}

/** The text of a file; undefined when it is missing. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined
    throw error
  }
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code

async function keepOthersFromWriting(folder: string): Promise<void> {
  const { mode, uid } = await stat(folder)
  // The mode of a folder of another user (a mounted volume) is that user's decision.
  if ((mode & 0o022) !== 0 && uid === process.getuid?.()) await chmod(folder, mode & 0o7755)
}

// On macOS open(2) takes the lock itself; Node has no name for either flag.
const oExlock = 0x20

/**
 * The lock is the kernel's (flock), on a file that stays: it ends with the process however that dies, does not depend
 * on process ids that can be reused, and works between containers that share a volume. The file's text is only for the
 * error message of a second program. Returns a plain descriptor, which no garbage collector closes.
 */
function takeLock(folder: string): number {
  const path = join(folder, 'lock')
  const onMac = process.platform === 'darwin'
  const lock = openLock(folder, path, onMac)
  try {
    const holder = readFileSync(path, 'utf8')
    const free = onMac || (flock(lock) ?? !isAlive(holder))
    if (!free) throw inUse(folder, holder)
    ftruncateSync(lock)
    writeSync(lock, JSON.stringify({ pid: process.pid, started: startOf(process.pid) }), 0)
    return lock
  } catch (error) {
    closeSync(lock)
    throw error
  }
}

function openLock(folder: string, path: string, onMac: boolean): number {
  const flags = constants.O_RDWR | constants.O_CREAT
  try {
    return openSync(path, onMac ? flags | oExlock | constants.O_NONBLOCK : flags, 0o600)
  } catch (error) {
    if (hasCode(error, 'EAGAIN')) throw inUse(folder, readFileSync(path, 'utf8'))
    throw error
  }
}

/**
 * Node has no flock, but the command does: a lock belongs to the open file, which the command shares with us, and stays
 * when the command has ended. Undefined where the command is missing or the file system has no locks.
 */
function flock(file: number): boolean | undefined {
  const { status } = spawnSync('flock', ['-x', '-n', '3'], { stdio: ['ignore', 'ignore', 'ignore', file] })
  return status === 0 ? true : status === 1 ? false : undefined
}

type Holder = { readonly pid: number; readonly started: string | undefined }

function parseHolder(text: string): Holder | undefined {
  try {
    const { pid, started } = JSON.parse(text)
    return Number.isInteger(pid) && pid > 0 ? { pid, started } : undefined
  } catch {
    return undefined // emptied by a release, or cut short by a crash
  }
}

/** Without flock: the same process, identified by its start time, so that a reused id is not mistaken for it. */
function isAlive(text: string): boolean {
  const holder = parseHolder(text)
  if (holder === undefined) return false
  const started = startOf(holder.pid)
  return started !== undefined && started === holder.started
}

/** When a process started, in the system's own format; undefined for an unknown process. */
function startOf(pid: number): string | undefined {
  try {
    if (process.platform !== 'linux') {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined
    }
    // proc(5): field 22, counted after the name in parentheses, which may itself contain spaces and parentheses.
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return status.slice(status.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

function inUse(folder: string, holder: string): DataFolderInUseError {
  const pid = parseHolder(holder)?.pid
  return new DataFolderInUseError(
    `The data folder ${folder} is in use by another Twincast instance${pid === undefined ? '' : ` (process ${pid})`}. ` +
      'Stop that instance, or set DATA_DIR to another folder.',
  )
}

/**
 * Removes a data folder with its database. When root runs the hub, the database may be in another folder, which its user
 * can access; the file `postgres-home` names that folder.
 */
export async function removeDataFolder(path: string): Promise<void> {
  const elsewhere = (await readIfThere(join(path, 'postgres-home')))?.trim()
  if (elsewhere) await rm(elsewhere, { recursive: true, force: true })
  await rm(path, { recursive: true, force: true })
}
