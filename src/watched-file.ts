import { type FSWatcher, statSync, watch } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock } from './clock.ts'
import type { Log } from './log/log.ts'

/** A file that is read again when it has changed. */
export type WatchedFile = {
  /** Reads the file now, changed or not. Never rejects. */
  reload(): Promise<void>
  close(): void
}

/** Milliseconds without another change before the file is read: programs write in several steps. */
export const quiet = 300
/** Milliseconds between two looks at the file. Some file systems report no changes. */
export const lookInterval = 5_000

/**
 * Calls `read` when the file at `path` may have changed. Call this before the file is read for the first time, so that
 * no change is missed. The folder is watched and not the file, because files are often replaced by renaming, such as
 * those of a ConfigMap, which are links. Reads take place one after the other. An error of `read` is logged.
 */
export function watchFile(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  path: string,
  read: () => Promise<void> | void,
): WatchedFile {
  const closed = new AbortController()
  let seen = stampOf(path)
  let reading = Promise.resolve()
  const reload = (): Promise<void> => {
    reading = reading.then(async () => {
      if (closed.signal.aborted) return
      seen = stampOf(path)
      try {
        await read()
      } catch (error) {
        log.warn({ err: error, path }, 'changed file could not be read')
      }
    })
    return reading
  }
  const look = async (): Promise<void> => {
    if (stampOf(path) !== seen) await reload()
  }
  let waiting: AbortController | undefined
  const lookWhenQuiet = async (): Promise<void> => {
    waiting?.abort()
    const own = new AbortController()
    waiting = own
    await clock.sleep(quiet, own.signal)
    if (!own.signal.aborted) await look()
  }
  const lookRegularly = async (): Promise<void> => {
    while (!closed.signal.aborted) {
      await clock.sleep(lookInterval, closed.signal)
      if (!closed.signal.aborted) await look()
    }
  }
  const watcher = watchFolder(dirname(path), () => void lookWhenQuiet())
  watcher?.on('error', (error) => log.debug({ err: error, path }, 'folder can no longer be watched'))
  void lookRegularly()
  return {
    reload,
    close() {
      closed.abort()
      waiting?.abort()
      watcher?.close()
    },
  }
}

/** Undefined where the system refuses: the regular looks remain. */
function watchFolder(folder: string, changed: () => void): FSWatcher | undefined {
  try {
    return watch(folder, { persistent: false }, changed)
  } catch {
    return undefined
  }
}

/** Differs after a change, also when the file was replaced by another one. */
function stampOf(path: string): string {
  try {
    const stats = statSync(path, { throwIfNoEntry: false })
    return stats === undefined ? '' : `${stats.ino} ${stats.size} ${stats.mtimeMs}`
  } catch {
    return ''
  }
}
