import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { type App, createApp } from '../app.ts'
import { connectionString, findKey, ownerPolicy, signFor } from '../cli/access-key.ts'
import { createHubClient, type HubClient } from '../cli/hub-client.ts'
import { createMovableClock, type MovableClock, systemClock } from '../clock.ts'
import { type Config, ConfigurationError, readConfig } from '../config.ts'
import { removeDataFolder } from '../data-folder.ts'

/** Settings of a hub, by the names of the variables in docs/configuration.md, such as `{ THROTTLE: 'S1' }`. */
export type HubSettings = Readonly<Record<string, string>>

/** What `createHub` takes. All of it may be left out. */
export type HubOptions = {
  /**
   * The environment of the process has no effect. All ports are free ones, the log has warnings and errors only, and
   * DATA_DIR is a new folder, which `stop` removes, unless they are set here.
   */
  readonly settings?: HubSettings
  /** Called with each line of the log, which is JSON. Without it, nothing is logged. */
  readonly onLog?: (line: string) => void
}

/** The addresses of a hub. */
export type HubAddresses = {
  readonly http: string
  readonly https: string
  /** On this machine only; undefined when MQTT_PORT is off. */
  readonly mqtt: string | undefined
  readonly mqtts: string
  readonly graphql: string
  readonly console: string
}

/** A hub in this process. */
export type Hub = Pick<HubClient, 'execute' | 'subscribe'> & {
  readonly addresses: HubAddresses
  /** HUB_HOST_NAME: the hub's own name in connection strings. */
  readonly hostName: string
  /** The connection string of the policy `iothubowner`, for `azure-iothub`, which always connects to port 443. */
  readonly connectionString: string
  /** The PEM text of the CA that clients have to trust; undefined when TLS_CERT is set. */
  readonly ca: string | undefined
  /** The time of the hub: `clock.advance(3_600_000)` moves it on by an hour, and what is due by then happens now. */
  readonly clock: Pick<MovableClock, 'now' | 'advance'>
  /** Stops the hub and removes its folder. The second call waits for the first. */
  stop(): Promise<void>
}

/** Seconds for which the token of `execute` and `subscribe` is valid: clocks that are moved do not outlive it. */
const tokenSeconds = 10 * 365 * 86_400

const defaultSettings = {
  HTTP_PORT: '0',
  HTTPS_PORT: '0',
  MQTT_HOST: '127.0.0.1',
  MQTT_PORT: '0',
  MQTTS_PORT: '0',
  METRICS_PORT: 'off',
  LOG_LEVEL: 'warn',
} as const

/**
 * Starts a hub in this process, with its own PostgreSQL unless DATABASE_URL is set, and resolves when it is ready. Throws
 * a ConfigurationError for wrong settings. Other errors say which part did not start. Nothing is left after an error.
 */
export async function createHub({ settings = {}, onLog = () => {} }: HubOptions = {}): Promise<Hub> {
  const ownFolder = settings.DATA_DIR ? undefined : await mkdtemp(join(tmpdir(), 'twincast-hub-'))
  let app: App | undefined
  const stop = async (): Promise<void> => {
    // Nobody will read what is still written to a folder that is removed.
    if (ownFolder !== undefined) app?.hurry()
    await app?.stop()
    if (ownFolder !== undefined) await removeDataFolder(ownFolder)
  }
  try {
    const config = configOf({ ...settings, ...(ownFolder !== undefined && { DATA_DIR: ownFolder }) })
    const clock = createMovableClock()
    app = createApp(config, {
      clock,
      machineClock: systemClock,
      log: pino({ level: config.logLevel }, { write: onLog }),
    })
    const { http, https, mqtt, mqtts, graphql, console } = await app.start()
    if (!http || !https || !mqtts || !graphql || !console) {
      throw new ConfigurationError(['HTTP_PORT, HTTPS_PORT and MQTTS_PORT must not be off.'])
    }
    const ca = config.tls === undefined ? await readFile(join(config.dataDir, 'ca.pem'), 'utf8') : undefined
    const key = (await findKey(ownerPolicy, config.dataDir, { IOTHUB_OWNER_KEY: config.ownerKey })) ?? ''
    const owner = { host: config.hubHostName, policyName: ownerPolicy, key }
    const authorization = signFor(owner, Math.floor(clock.now().getTime() / 1000) + tokenSeconds)
    const client = createHubClient({ url: graphql, authorization, ca })
    let stopped: Promise<void> | undefined
    return {
      addresses: { http, https, mqtt, mqtts, graphql, console },
      hostName: config.hubHostName,
      connectionString: connectionString(owner),
      ca,
      clock: { now: clock.now, advance: clock.advance },
      execute: client.execute,
      subscribe: client.subscribe,
      stop() {
        client.close()
        stopped ??= stop()
        return stopped
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/**
 * Reads the settings as the program reads its environment. A name that does not exist is refused, because here it can only
 * be a mistake.
 */
function configOf(settings: HubSettings): Config {
  const names = new Set<string>()
  const config = readConfig(
    new Proxy<HubSettings>(
      { ...defaultSettings, ...settings },
      {
        get(values, name) {
          if (typeof name !== 'string') return undefined
          names.add(name)
          return values[name]
        },
      },
    ),
    process.cwd(),
  )
  const unknown = Object.keys(settings).filter((name) => !names.has(name))
  if (unknown.length === 0) return config
  throw new ConfigurationError(unknown.map((name) => `${name} is not a setting: docs/configuration.md lists them.`))
}
