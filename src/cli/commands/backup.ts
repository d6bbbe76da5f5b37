import { existsSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Writable } from 'node:stream'
import { Argument, Command } from '@commander-js/extra-typings'
import { systemClock } from '../../clock.ts'
import { syncFolder } from '../../data-folder.ts'
import { hubFolder } from '../hub-folder.ts'
import { listenForStop } from '../stop.ts'
import { counted } from '../terminal/words.ts'
import { UsageError } from '../usage-error.ts'

/** `twincast backup` */
export const createBackup = () =>
  new Command('backup')
    .summary('writes a backup of a hub to a file')
    .description(
      `Writes a backup of a hub, which may run meanwhile: the database as it is at one moment, and from the data folder the
keys of all policies and the CA. Whoever can read the backup can control all devices: its file is readable for its owner
only. The environment names the database, as for twincast start: DATABASE_URL, or the embedded one in the data folder.`,
    )
    .addArgument(new Argument('<file>', 'a file that does not exist, such as hub.tar.gz; - is standard output'))
    .addOption(hubFolder())
    .action(async (file, { dataDir }) => {
      const { signal } = listenForStop()
      const { createWarnings, hubSettings } = await import('../hub-settings.ts')
      const config = hubSettings(dataDir)
      const { withHubDatabase } = await import('../../backup/hub-database.ts')
      const { writeBackup } = await import('../../backup/write-backup.ts')
      const save = (out: Writable) =>
        withHubDatabase(config, createWarnings(), (database) =>
          writeBackup({ clock: systemClock, signal }, database, out),
        )
      try {
        const { devices, jobs } = file === '-' ? await save(standardOutput()) : await saveAs(file, save)
        process.stderr.write(`The backup has ${counted(devices, 'device')} and ${counted(jobs, 'job')}.\n`)
      } catch (error) {
        // Whatever broke after Ctrl-C broke because of it.
        signal.throwIfAborted()
        throw error
      }
    })

function standardOutput(): Writable {
  if (!process.stdout.isTTY) return process.stdout
  throw new UsageError('A backup is not text for a terminal. Name a file, or send the output to one.')
}

/** The file gets its name when it is complete and on disk. */
async function saveAs<T>(path: string, save: (out: Writable) => Promise<T>): Promise<T> {
  if (existsSync(path)) throw new UsageError(`The file ${path} exists. Name another one, or remove it.`)
  const unfinished = `${path}.unfinished`
  await rm(unfinished, { force: true }) // one that a crash left would keep its own mode
  const file = await open(unfinished, 'wx', 0o600)
  try {
    const result = await save(file.createWriteStream({ flush: true }))
    await rename(unfinished, path)
    await syncFolder(dirname(path))
    return result
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error
  }
}
