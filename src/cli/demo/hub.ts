import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { type App, createApp } from '../../app.ts'
import { readConfig } from '../../config.ts'
import { removeDataFolder } from '../../data-folder.ts'

/** Where the hub can be used. */
export type DemoAddresses = { readonly console: string; readonly graphql: string; readonly mqtt: string }

/** A hub with its own data folder. */
export type DemoHub = {
  /** Resolves when the hub is ready. */
  start(): Promise<DemoAddresses>
  /** Stops the hub, even while it is still starting, and removes its folder. */
  stop(): Promise<void>
  /** The lines that the hub has logged at level warn or above, as JSON. */
  readonly warnings: readonly string[]
}

const prefix = 'twincast-demo-'

/**
 * Creates a hub on free ports of this machine, with an empty database. The environment variables of the user have no
 * effect on it.
 */
export function createDemoHub(): DemoHub {
  const warnings: string[] = []
  let folder: string | undefined
  let app: App | undefined
  let starting: Promise<DemoAddresses> | undefined

  const start = async (): Promise<DemoAddresses> => {
    folder = await mkdtemp(join(tmpdir(), prefix))
    const ports = { HTTP_PORT: '0', HTTPS_PORT: '0', MQTT_PORT: '0', MQTTS_PORT: '0', METRICS_PORT: '0' }
    const log = pino({ level: 'warn' }, { write: (line: string) => void warnings.push(line.trimEnd()) })
    app = createApp(readConfig({ ...ports, DATA_DIR: folder }, folder), { log })
    const { console = '', graphql = '', mqtt = '' } = await app.start()
    return { console, graphql, mqtt }
  }

  return {
    warnings,
    start() {
      starting ??= start()
      return starting
    },
    async stop() {
      // A hub that fails to start stops by itself.
      const started = await starting?.then(
        () => true,
        () => false,
      )
      // Hurried, because nothing will read the answers that devices still send.
      app?.hurry()
      try {
        if (started) await app?.stop()
      } finally {
        if (folder !== undefined) await removeDataFolder(folder)
      }
    },
  }
}
