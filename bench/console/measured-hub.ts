import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHubClient, type HubClient } from '../../src/cli/hub-client.ts'
import { removeDataFolder } from '../../src/data-folder.ts'
import { startHubProcess } from '../../test/support/hub-process.ts'
import { freePorts } from '../../test/support/ports.ts'

/** The compiled hub in a process of its own, with an embedded PostgreSQL, at ports that it keeps. */
export type MeasuredHub = {
  readonly http: string
  readonly mqttPort: number
  readonly client: HubClient
  stop(): Promise<void>
  /** Resolves when it is ready. */
  start(): Promise<void>
  /** Leaves nothing behind. */
  close(): Promise<void>
}

export async function openMeasuredHub(signal: AbortSignal): Promise<MeasuredHub> {
  const folder = await mkdtemp(join(tmpdir(), 'twincast-bench-'))
  const [http = 0, https = 0, mqtt = 0, mqtts = 0] = await freePorts(4)
  const variables = {
    DATA_DIR: folder,
    HTTP_PORT: String(http),
    HTTPS_PORT: String(https),
    MQTT_PORT: String(mqtt),
    MQTTS_PORT: String(mqtts),
  }
  const run = () => startHubProcess(variables, { signal })
  try {
    let running = await run()
    const client = createHubClient({ url: running.addresses.graphql })
    return {
      http: running.addresses.http,
      mqttPort: mqtt,
      client,
      async stop() {
        await running.stop()
      },
      async start() {
        running = await run()
      },
      async close() {
        client.close()
        await running.stop()
        await removeDataFolder(folder)
      },
    }
  } catch (error) {
    await removeDataFolder(folder)
    throw error
  }
}
