import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { defaultPolicies, type Policy } from '../../access/policy.ts'
import { printPolicies } from '../../access/policy-file.ts'
import { policyRights } from '../../access/rights.ts'
import { type App, createApp } from '../../app.ts'
import { readConfig } from '../../config.ts'
import { removeDataFolder } from '../../data-folder.ts'
import { makeAccessKey, policyFile, signFor } from '../access-key.ts'

/** Where the hub can be used. */
export type DemoAddresses = { readonly console: string; readonly graphql: string; readonly mqtt: string }

/** A hub with its own data folder. */
export type DemoHub = {
  /** Resolves when the hub is ready. */
  start(): Promise<DemoAddresses>
  /**
   * An `Authorization` value with all rights for somebody else than a client of this machine without one. An approval needs
   * a second client.
   */
  secondOperator(): string
  /** Stops the hub, even while it is still starting, and removes its folder. */
  stop(): Promise<void>
  /** The lines that the hub has logged at level warn or above, as JSON. */
  readonly warnings: readonly string[]
}

const prefix = 'twincast-demo-'
/** The default of HUB_HOST_NAME. */
const hubName = 'localhost'
const secondOperator = 'second-operator'
const tokenSeconds = 24 * 60 * 60

/**
 * Creates a hub on free ports of this machine, with an empty database. The environment variables of the user have no
 * effect on it.
 */
export function createDemoHub(): DemoHub {
  const warnings: string[] = []
  const key = makeAccessKey()
  let folder: string | undefined
  let app: App | undefined
  let starting: Promise<DemoAddresses> | undefined

  const start = async (): Promise<DemoAddresses> => {
    folder = await mkdtemp(join(tmpdir(), prefix))
    await writeFile(join(folder, policyFile), printPolicies(policiesWith(key)), { mode: 0o600 })
    const ports = { HTTP_PORT: '0', HTTPS_PORT: '0', MQTT_PORT: '0', MQTTS_PORT: '0', METRICS_PORT: '0' }
    const log = pino({ level: 'warn' }, { write: (line: string) => void warnings.push(line.trimEnd()) })
    app = createApp(readConfig({ ...ports, DATA_DIR: folder }, folder), { log })
    const { console = '', graphql = '', mqtt = '' } = await app.start()
    return { console, graphql, mqtt }
  }

  return {
    warnings,
    secondOperator: () =>
      signFor({ host: hubName, policyName: secondOperator, key }, Math.floor(Date.now() / 1000) + tokenSeconds),
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

/** The policies of a new hub, and one for the second operator with this key. */
const policiesWith = (key: string): Policy[] => [
  ...defaultPolicies.map((policy) => ({ ...policy, primaryKey: makeAccessKey(), secondaryKey: makeAccessKey() })),
  { name: secondOperator, rights: new Set(policyRights), primaryKey: key, secondaryKey: makeAccessKey() },
]
