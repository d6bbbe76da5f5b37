import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { Argument, Command } from '@commander-js/extra-typings'
import { ExitError } from '../exit-error.ts'
import { hubFolder } from '../hub-folder.ts'
import { listenForStop } from '../stop.ts'
import { counted } from '../terminal/words.ts'
import { UsageError } from '../usage-error.ts'

/** The exit codes for a file that is not a usable backup, and for a target that has data. */
const unusable = 2
const notEmpty = 6

/** `twincast restore` */
export const createRestore = () =>
  new Command('restore')
    .summary('makes a hub from a backup')
    .description(
      `Restores a backup into an empty database: DATABASE_URL, or the embedded one in a new data folder. The keys and the CA go
into the data folder. The rows are compared with the backup, and the migrations of this release are applied. When it fails, the
database is empty, as before. When the hub starts, it continues the jobs of the backup, also those whose time has come since: a call
that was sent after the backup may be sent again.`,
    )
    .addArgument(new Argument('<file>', 'a file that twincast backup wrote; - is standard input'))
    .addOption(hubFolder())
    .addHelpText(
      'after',
      `\nExit codes: ${unusable} when the file is not a usable backup, ${notEmpty} when the database or the data folder has data.`,
    )
    .action(async (file, { dataDir }) => {
      const { signal } = listenForStop()
      const { createWarnings, hubSettings } = await import('../hub-settings.ts')
      const config = hubSettings(dataDir)
      const input = await openInput(file)
      const { BackupError } = await import('../../backup/archive.ts')
      const { withNewDatabase } = await import('../../backup/hub-database.ts')
      const { NotEmptyError, restoreBackup } = await import('../../backup/restore-backup.ts')
      try {
        const { devices, jobs, version, createdTime } = await withNewDatabase(config, createWarnings(), (database) =>
          restoreBackup(database, input, signal),
        )
        process.stderr.write(
          `Restored ${counted(devices, 'device')} and ${counted(jobs, 'job')} of ${createdTime} (Twincast ${version}).\n`,
        )
      } catch (error) {
        // Whatever broke after Ctrl-C broke because of it.
        signal.throwIfAborted()
        if (error instanceof NotEmptyError) throw new ExitError(notEmpty, error.message)
        if (!(error instanceof BackupError)) throw error
        const name = file === '-' ? 'on standard input' : file
        throw new ExitError(unusable, `The backup ${name} was not restored. Nothing was changed. ${error.message}`)
      }
    })

async function openInput(file: string): Promise<Readable> {
  if (file === '-') return process.stdin
  try {
    return (await open(file)).createReadStream()
  } catch (error) {
    throw new UsageError(`The backup cannot be read: ${error instanceof Error ? error.message : error}`)
  }
}
