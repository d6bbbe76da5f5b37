import { createHash } from 'node:crypto'
import type { Readable, Writable } from 'node:stream'
import type pg from 'pg'
import type { Clock } from '../clock.ts'
import { withConnection } from '../database/connection.ts'
import {
  copyOut,
  inSnapshot,
  listTables,
  readSequences,
  type Seal,
  sealOf,
  serverVersion,
  type Table,
} from '../database/copy-tables.ts'
import { readApplied, refuseUnknownMigrations } from '../database/migrate.ts'
import { version } from '../version.ts'
import { type ArchiveWriter, partBytes, writeArchive } from './archive.ts'
import { readDataFiles } from './data-files.ts'
import { type Closing, files, printClosing, printManifest } from './manifest.ts'

/** What a backup contains, or a restored hub. */
export type Contents = { readonly devices: number; readonly jobs: number }

/** The database has no hub. */
export class NoHubError extends Error {
  override readonly name = 'NoHubError'
  constructor() {
    super('The database has no tables of a hub. Check DATABASE_URL.')
  }
}

/**
 * Writes a backup: one snapshot of the database at `url`, while hubs may work on it, and the keys and the CA in the data
 * folder. It needs little memory, whatever the size of the database. When it rejects, what was written is of no use.
 * @throws NoHubError, MigrationError when a newer release has used the database
 */
export async function writeBackup(
  { clock, signal }: { readonly clock: Pick<Clock, 'now'>; readonly signal?: AbortSignal | undefined },
  { url, folder }: { readonly url: string; readonly folder: string },
  out: Writable,
): Promise<Contents> {
  return await withConnection(url, { name: 'twincast backup', signal }, (client) =>
    inSnapshot(client, async () => {
      const migrations = await readApplied(client)
      if (migrations.size === 0) throw new NoHubError()
      await refuseUnknownMigrations(migrations)
      const time = clock.now()
      const tables = await listTables(client)
      const archive = writeArchive(out, time)
      try {
        await archive.add(
          files.manifest,
          printManifest({
            version,
            createdTime: time.toISOString(),
            postgresql: await serverVersion(client),
            migrations: Object.fromEntries(migrations),
            tables,
          }),
        )
        for (const { name, text } of await readDataFiles(folder)) {
          await archive.add(`${files.dataFolder}${name}`, Buffer.from(text))
        }
        const seals: Record<string, Closing['tables'][string]> = {}
        for (const table of tables) seals[table.name] = await addTable(archive, client, table)
        await archive.add(files.closing, printClosing({ tables: seals, sequences: await readSequences(client) }))
        await archive.finish()
        return contentsOf(seals)
      } catch (error) {
        await archive.abandon(error)
        throw error
      }
    }),
  )
}

/** The contents by the numbers of rows. */
export const contentsOf = (tables: Readonly<Record<string, Seal>>): Contents => ({
  devices: tables.device?.rows ?? 0,
  jobs: tables.job?.rows ?? 0,
})

async function addTable(
  archive: ArchiveWriter,
  client: pg.ClientBase,
  table: Table,
): Promise<Closing['tables'][string]> {
  const hash = createHash('sha256')
  let number = 0
  for await (const part of partsOf(copyOut(client, table))) {
    number++
    hash.update(part)
    await archive.add(`${files.table(table.name)}${String(number).padStart(6, '0')}.copy`, part)
  }
  return { ...(await sealOf(client, table)), sha256: hash.digest('hex') }
}

/** The same bytes in parts of about `partBytes`. */
async function* partsOf(rows: Readable): AsyncGenerator<Buffer> {
  let gathered: Buffer[] = []
  let bytes = 0
  for await (const chunk of rows) {
    gathered.push(chunk)
    bytes += chunk.length
    if (bytes < partBytes) continue
    yield Buffer.concat(gathered)
    gathered = []
    bytes = 0
  }
  if (bytes > 0) yield Buffer.concat(gathered)
}
