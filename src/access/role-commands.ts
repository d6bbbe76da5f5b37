import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Clock } from '../clock.ts'
import type { Log } from '../log/log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { watchFile } from '../watched-file.ts'
import { builtInTable, type RoleTable } from './roles.ts'
import { parseRoles, RolesFileError } from './roles-file.ts'

/** The roles of the hub. */
export type Roles = {
  /** The roles that are in force. Another object when they have changed. */
  table(): RoleTable
  /** Identifies the text of the file, to compare instances; undefined without a file. */
  fingerprint(): string | undefined
  /** Calls `changed` when other roles are in force. Returns what ends that. */
  listen(changed: () => void): () => void
  /** Reads the file now. Never rejects. */
  reload(): Promise<void>
  close(): void
}

/**
 * The built-in roles, and those of ROLES_FILE at `path`, which is read again when it changes. At the start, a file that
 * cannot be used is an error; later, the roles stay as they are.
 */
export async function openRoles(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  { path, metrics }: { readonly path: string | undefined; readonly metrics?: Metrics | undefined },
): Promise<Roles> {
  if (path === undefined)
    return {
      table: () => builtInTable,
      fingerprint: () => undefined,
      listen: () => () => {},
      async reload() {},
      close() {},
    }
  let table: RoleTable = builtInTable
  let fingerprint: string | undefined
  const listeners = new Set<() => void>()
  const read = async (): Promise<void> => {
    const text = await readFile(path, 'utf8').catch(unreadable)
    table = parseRoles(text)
    fingerprint = createHash('sha256').update(text).digest('hex').slice(0, 12)
    metrics?.set('twincast_roles_file_valid', {}, 1)
    metrics?.set('twincast_roles_file_read_time_seconds', {}, clock.now().getTime() / 1_000)
  }
  const watched = watchFile({ clock, log }, path, async () => {
    try {
      await read()
      log.info({ path, roles: table.size, fingerprint }, 'roles read')
      for (const changed of listeners) changed()
    } catch (error) {
      if (!(error instanceof RolesFileError)) throw error
      metrics?.set('twincast_roles_file_valid', {}, 0)
      log.warn({ path, problems: error.problems }, 'roles could not be read; the current ones stay in force')
    }
  })
  try {
    await read()
  } catch (error) {
    watched.close()
    throw new Error(`ROLES_FILE is ${path}, which cannot be used.`, { cause: error })
  }
  return {
    table: () => table,
    fingerprint: () => fingerprint,
    listen(changed) {
      listeners.add(changed)
      return () => listeners.delete(changed)
    },
    reload: watched.reload,
    close: watched.close,
  }
}

function unreadable(error: unknown): never {
  throw new RolesFileError([error instanceof Error ? error.message : String(error)])
}
