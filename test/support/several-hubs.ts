import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHubClient, type HubClient } from '../../src/cli/hub-client.ts'
import type { SimulatedDevice } from '../../src/simulator/behaviour.ts'
import { createFleet, type Fleet } from '../../src/simulator/fleet.ts'
import { ScheduleMethod } from '../journeys/operations.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'
import { type HubProcess, startHubProcess } from './hub-process.ts'

type Variables = Readonly<Record<string, string>>

/** A hub in a process of its own, one of several on a database. */
export type Instance = HubProcess & {
  /** Its requests are refused when the instance is no api. */
  readonly client: HubClient
  /** 0 when the instance is no gateway. */
  readonly mqttPort: number
}

/** Instances on a database of their own, and the fleets of devices at them. */
export type SeveralHubs = {
  readonly database: TestDatabase
  start(variables?: Variables): Promise<Instance>
  /** Devices that do not reconnect, unless they are told to, at an MQTT port. */
  fleetAt(port: number, devices: readonly SimulatedDevice[], reconnect?: boolean): Fleet
  closeFleets(): Promise<void>
  /** How many devices are connected, as the rows say. */
  countConnected(): Promise<number>
  /** Stops all instances, those that stand still too. */
  close(): Promise<void>
}

/** All instances have these variables, and free ports. */
export async function openSeveralHubs(variables: Variables = {}): Promise<SeveralHubs> {
  const database = await createTestDatabase()
  const folder = await mkdtemp(join(tmpdir(), 'twincast-hubs-'))
  const instances: Instance[] = []
  const fleets: Fleet[] = []
  const closeFleets = async (): Promise<void> => {
    await Promise.all(fleets.splice(0).map((fleet) => fleet.close()))
  }
  return {
    database,
    async start(own = {}) {
      const hub = await startHubProcess({
        DATABASE_URL: database.url,
        DATA_DIR: await mkdtemp(join(folder, 'hub-')),
        HTTP_PORT: '0',
        HTTPS_PORT: '0',
        MQTT_PORT: '0',
        MQTTS_PORT: '0',
        ...variables,
        ...own,
      })
      const { http, mqtt } = hub.addresses
      const client = createHubClient({ url: `${http}/graphql` })
      const instance = { ...hub, client, mqttPort: mqtt === '' ? 0 : Number(new URL(mqtt).port) }
      instances.push(instance)
      return instance
    },
    fleetAt(port, devices, reconnect = false) {
      const fleet = createFleet({ host: '127.0.0.1', port, hubName: 'localhost', devices, reconnect })
      fleets.push(fleet)
      return fleet
    },
    closeFleets,
    async countConnected() {
      const { rows } = await database.pool.query<{ count: number }>(
        "select count(*)::integer as count from device where connection_state = 'connected'",
      )
      return rows[0]?.count ?? 0
    },
    async close() {
      await closeFleets()
      await Promise.all(
        instances.map(({ client, thaw, stop }) => {
          client.close()
          thaw()
          return stop()
        }),
      )
      await database.drop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Schedules a method call to the devices of a fleet; answers the id of the job. */
export async function scheduleCalls({ client }: Pick<Instance, 'client'>, fleet: string, call = {}): Promise<string> {
  const { scheduleDeviceMethod } = await client.execute(ScheduleMethod, {
    input: { queryCondition: `tags.fleet = '${fleet}'`, cloudToDeviceMethod: { methodName: 'reboot', ...call } },
  })
  const job = scheduleDeviceMethod && 'job' in scheduleDeviceMethod ? scheduleDeviceMethod.job : undefined
  if (!job) throw new Error('The job was not scheduled.')
  return job.jobId
}
