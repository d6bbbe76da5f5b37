import type { HubClient } from '../../src/cli/hub-client.ts'
import type { JsonObject } from '../../src/json/json.ts'
import type { Behaviour, SimulatedDevice } from '../../src/simulator/behaviour.ts'
import { CreateDevices, ReadDeviceJobs } from '../journeys/operations.ts'

/** Registers devices with the tag `fleet` set to `name`, and further tags, through the API, and makes simulated ones of them. */
export async function registerFleet(
  client: HubClient,
  name: string,
  count: number,
  behaviour: (index: number) => Behaviour,
  tags: (index: number) => JsonObject = () => ({}),
): Promise<SimulatedDevice[]> {
  const devices: SimulatedDevice[] = []
  for (let from = 0; from < count; from += 1_000) {
    const indexes = Array.from({ length: Math.min(1_000, count - from) }, (_, index) => from + index)
    const { createDevices } = await client.execute(CreateDevices, {
      input: {
        devices: indexes.map((index) => ({
          deviceId: `${name}-${index}`,
          twin: { tags: { fleet: name, ...tags(index) } },
        })),
      },
    })
    if (createDevices?.__typename !== 'CreateDevicesPayload') throw new Error('the devices were not created')
    for (const result of createDevices.results) {
      if (result.__typename !== 'CreateDevicePayload' || !result.device) throw new Error('a device was not created')
      const { deviceId, authentication } = result.device
      const primaryKey = authentication?.symmetricKey?.primaryKey ?? ''
      devices.push({ deviceId, primaryKey, behaviour: behaviour(devices.length) })
    }
  }
  return devices
}

/** All device jobs of a job, and the job. */
export async function readDeviceJobs(client: HubClient, jobId: string) {
  const first = await client.execute(ReadDeviceJobs, { jobId })
  if (!first.job?.deviceJobs) throw new Error(`There is no job ${jobId}.`)
  const { deviceJobs, ...job } = first.job
  const nodes = [...deviceJobs.nodes]
  let { pageInfo } = deviceJobs
  while (pageInfo.hasNextPage) {
    const next = await client.execute(ReadDeviceJobs, { jobId, after: pageInfo.endCursor ?? '' })
    nodes.push(...(next.job?.deviceJobs?.nodes ?? []))
    pageInfo = next.job?.deviceJobs?.pageInfo ?? { hasNextPage: false, endCursor: null }
  }
  return { ...job, nodes }
}
