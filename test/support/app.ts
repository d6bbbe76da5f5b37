import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { signSasToken } from '../../src/access/sas.ts'
import { createApp } from '../../src/app.ts'
import { createHubClient, type HubClient } from '../../src/cli/hub-client.ts'
import { type Clock, systemClock } from '../../src/clock.ts'
import { readConfig } from '../../src/config.ts'
import { type OpenAddresses, openAddresses } from './addresses.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'

/** The whole hub in this process, on a database and in a data folder of its own, at free ports. */
export type TestApp = {
  readonly addresses: OpenAddresses
  readonly client: HubClient
  /** `Authorization` of the owner. Without one GraphQL is open here, REST is not. */
  readonly ownerToken: string
  /** PEM of the private CA that devices have to trust. */
  readonly ca: string
  readonly mqttPort: number
  readonly mqttsPort: number
  /** Its database, for rows that would take long to come about. */
  readonly database: TestDatabase
  /** Lines at level error that it logged. */
  readonly errors: readonly string[]
  /** Stops the hub and starts it again, on the same database and ports. */
  restart(): Promise<void>
  close(): Promise<void>
}

export async function startApp(
  variables: Readonly<Record<string, string>> = {},
  clock: Clock = systemClock,
  machineClock: Pick<Clock, 'now'> = systemClock,
): Promise<TestApp> {
  const database = await createTestDatabase()
  const folder = await mkdtemp(join(tmpdir(), 'twincast-app-'))
  const errors: string[] = []
  const log = pino({ level: 'error' }, { write: (line: string) => errors.push(line) })
  const start = async (ports: Readonly<Record<string, string>>) => {
    const app = createApp(
      readConfig(
        { DATABASE_URL: database.url, DATA_DIR: folder, DRAIN_NOTICE_SECONDS: '0', ...ports, ...variables },
        folder,
      ),
      { log, clock, machineClock },
    )
    return { app, addresses: openAddresses(await app.start()) }
  }
  const portOf = (address: string): number => Number(new URL(address || 'none://x:0').port)

  let running = await start({ HTTP_PORT: '0', HTTPS_PORT: '0', MQTT_PORT: '0', MQTTS_PORT: '0', METRICS_PORT: '0' })
  const { addresses } = running
  const ports = {
    HTTP_PORT: String(portOf(addresses.http)),
    HTTPS_PORT: String(portOf(addresses.https)),
    MQTT_PORT: String(portOf(addresses.mqtt)),
    MQTTS_PORT: String(portOf(addresses.mqtts)),
    METRICS_PORT: String(portOf(addresses.metrics)),
  }
  const key = variables.IOTHUB_OWNER_KEY ?? (await readFile(join(folder, 'iothubowner-key'), 'utf8')).trim()
  const ownerToken = signSasToken({
    resource: 'localhost',
    key,
    expiry: Math.floor(Date.now() / 1000) + 3600,
    policyName: 'iothubowner',
  })
  const client = createHubClient({
    url: addresses.graphql,
    ...(variables.IOTHUB_OWNER_KEY !== undefined && { authorization: ownerToken }),
  })
  return {
    addresses,
    client,
    ownerToken,
    ca: await readFile(join(folder, 'ca.pem'), 'utf8'),
    mqttPort: Number(ports.MQTT_PORT),
    mqttsPort: Number(ports.MQTTS_PORT),
    database,
    errors,
    async restart() {
      await running.app.stop()
      running = await start(ports)
    },
    async close() {
      client.close()
      await running.app.stop()
      await database.drop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
