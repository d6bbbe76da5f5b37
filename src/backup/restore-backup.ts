import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import { withConnection } from '../database/connection.ts'
import {
  analyze,
  copyIn,
  emptyTables,
  inOneTransaction,
  isEmpty,
  listTables,
  sealOf,
  setSequence,
  type Table,
} from '../database/copy-tables.ts'
import { lockMigrations, MigrationError, migrateAndFill } from '../database/migrate.ts'
import { BackupError, cutOff, type Entry, readArchive } from './archive.ts'
import { type DataFile, differingFiles, writeDataFiles } from './data-files.ts'
import { type Closing, files, type Manifest, parseClosing, parseManifest, textOf } from './manifest.ts'
import { type Contents, contentsOf } from './write-backup.ts'

/** There is something already where a backup is to be restored. */
export class NotEmptyError extends Error {
  override readonly name = 'NotEmptyError'
}

/** A restored backup. */
export type Restored = Contents & Pick<Manifest, 'version' | 'createdTime'>

/**
 * Restores a backup into an empty database, with the keys and the CA in the data folder, compares all rows, and applies
 * the migrations of this release. All of it is one transaction: when this rejects or the process dies, the database is
 * empty, as before.
 * @throws NotEmptyError, BackupError
 */
export async function restoreBackup(
  { url, folder }: { readonly url: string; readonly folder: string },
  input: Readable,
  signal?: AbortSignal,
): Promise<Restored> {
  return await withConnection(url, { name: 'twincast restore', signal }, async (client) => {
    await lockMigrations(client)
    if (!(await isEmpty(client))) {
      throw new NotEmptyError('The database is not empty. Nothing was changed. Restore into a new database.')
    }
    const entries = createEntries(readArchive(input))
    try {
      return await fill(client, folder, entries)
    } catch (error) {
      if (error instanceof MigrationError) throw new BackupError(refusalOf(error))
      throw error
    } finally {
      await entries.close()
    }
  })
}

/** Its advice is for a database in use. */
const refusalOf = ({ message }: MigrationError): string =>
  message.startsWith('A newer release')
    ? 'A newer release of Twincast wrote it. Restore it with that release.'
    : `Its migrations are not those of this release (${message})`

async function fill(client: pg.ClientBase, folder: string, entries: Entries): Promise<Restored> {
  const manifest = parseManifest((await entries.take(files.manifest))?.bytes ?? Buffer.alloc(0))
  const dataFiles = await readFiles(entries)
  const differing = await differingFiles(folder, dataFiles)
  if (differing.length > 0) {
    throw new NotEmptyError(
      `The data folder ${folder} has other files than the backup: ${differing.join(', ')}. Nothing was changed. ` +
        'Set DATA_DIR to a new folder, or move these files.',
    )
  }
  let closing: Closing | undefined
  let removeFiles = async (): Promise<void> => {}
  try {
    await inOneTransaction(client, async () => {
      await migrateAndFill(client, new Map(Object.entries(manifest.migrations)), async () => {
        const tables = await listTables(client)
        refuseOtherTables(manifest.tables, tables)
        await emptyTables(client, tables)
        const hashes = new Map<string, string>()
        for (const table of manifest.tables) hashes.set(table.name, await fillTable(client, table, entries))
        const end = await entries.take(files.closing)
        if (end === undefined) throw new BackupError(cutOff)
        closing = parseClosing(end.bytes)
        await compare(client, manifest.tables, closing, hashes)
        for (const sequence of closing.sequences) await setSequence(client, sequence)
      })
      await analyze(client)
      // Last of all: a hub that starts without its database must not find the keys of another.
      removeFiles = await writeDataFiles(folder, dataFiles)
    })
  } catch (error) {
    await removeFiles()
    throw error
  }
  return { ...contentsOf(closing?.tables ?? {}), version: manifest.version, createdTime: manifest.createdTime }
}

async function readFiles(entries: Entries): Promise<readonly DataFile[]> {
  const found: DataFile[] = []
  for (let entry = await entries.take(files.dataFolder); entry; entry = await entries.take(files.dataFolder)) {
    found.push({ name: entry.name.slice(files.dataFolder.length), text: textOf(entry.bytes) })
  }
  return found
}

/** Names of tables and columns get into statements: they must be those of the migrations. */
function refuseOtherTables(given: readonly Table[], known: readonly Table[]): void {
  const isKnown = given.every(({ name, columns }) => {
    const same = known.find((table) => table.name === name)
    return same?.columns.length === columns.length && same.columns.every((column, index) => column === columns[index])
  })
  if (!isKnown || new Set(given.map(({ name }) => name)).size !== known.length) {
    throw new BackupError('Its tables are not those of its migrations.')
  }
}

/** Answers the hash of the rows. */
async function fillTable(client: pg.ClientBase, table: Table, entries: Entries): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(
    async function* () {
      const prefix = files.table(table.name)
      for (let entry = await entries.take(prefix); entry; entry = await entries.take(prefix)) {
        hash.update(entry.bytes)
        yield entry.bytes
      }
    },
    copyIn(client, table),
  )
  return hash.digest('hex')
}

async function compare(
  client: pg.ClientBase,
  tables: readonly Table[],
  closing: Closing,
  hashes: ReadonlyMap<string, string>,
): Promise<void> {
  for (const table of tables) {
    const wanted = closing.tables[table.name]
    if (wanted === undefined || wanted.sha256 !== hashes.get(table.name)) {
      throw new BackupError(`It is damaged: the rows of the table ${table.name} are not those that were written.`)
    }
    const { rows, digest } = await sealOf(client, table)
    if (rows !== wanted.rows || digest !== wanted.digest) {
      throw new BackupError(
        `The table ${table.name} differs from the backup after restoring (${rows} of ${wanted.rows} rows). Nothing was changed.`,
      )
    }
  }
}

/** The files of a backup, in order. */
type Entries = {
  /** The next file, if its name begins like this. */
  take(prefix: string): Promise<Entry | undefined>
  close(): Promise<void>
}

function createEntries(all: AsyncGenerator<Entry>): Entries {
  let next: IteratorResult<Entry, unknown> | undefined
  return {
    async take(prefix) {
      next ??= await all.next()
      if (next.done === true || !next.value.name.startsWith(prefix)) return undefined
      const { value } = next
      next = undefined
      return value
    },
    async close() {
      await all.return(undefined)
    },
  }
}
