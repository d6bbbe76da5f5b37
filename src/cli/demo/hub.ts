import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { type Addresses, type App, createApp } from '../../app.ts'
import { readConfig } from '../../config.ts'

/** A hub with a folder of its own. */
export type DemoHub = {
  /** Resolves when it can be used. */
  start(): Promise<Addresses>
  /** Stops it, also one that is still starting, and removes its folder. */
  stop(): Promise<void>
  /** Warnings and worse that it has logged, as JSON lines. */
  readonly warnings: readonly string[]
}

const prefix = 'twincast-demo-'

/** Makes a hub on free ports of this machine with an empty database. The user's own settings have no part in it. */
export function createDemoHub(): DemoHub {
  const warnings: string[] = []
  let folder: string | undefined
  let app: App | undefined
  let starting: Promise<Addresses> | undefined

  const start = async (): Promise<Addresses> => {
    folder = await mkdtemp(join(tmpdir(), prefix))
    const ports = { HTTP_PORT: '0', HTTPS_PORT: '0', MQTT_PORT: '0', MQTTS_PORT: '0' }
    const log = pino({ level: 'warn' }, { write: (line: string) => void warnings.push(line.trimEnd()) })
    app = createApp(readConfig({ ...ports, DATA_DIR: folder }, folder), { log })
    return app.start()
  }

  return {
    warnings,
    start() {
      starting ??= start()
      return starting
    },
    async stop() {
      // One that cannot start stops itself.
      const started = await starting?.then(
        () => true,
        () => false,
      )
      // Nobody will ask for the answers that are still to come.
      app?.hurry()
      try {
        if (started) await app?.stop()
      } finally {
        if (folder !== undefined) await removeFolder(folder)
      }
    },
  }
}

/** Removes a data folder. For root the database may lie elsewhere, where its user can reach it; the file `postgres-home` says so. */
export async function removeFolder(folder: string): Promise<void> {
  const elsewhere = await readFile(join(folder, 'postgres-home'), 'utf8').catch(() => '')
  if (elsewhere.trim() !== '') await rm(elsewhere.trim(), { recursive: true, force: true })
  await rm(folder, { recursive: true, force: true })
}
