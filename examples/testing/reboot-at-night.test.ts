import { Agent } from 'node:https'
import iothub from 'azure-iothub'
import { createHub, type Hub, type SimulatedFleet, simulateFleet } from 'twincast'
import { followJob, readJob } from 'twincast/documents'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { nextNight, rebootAtNight } from './reboot-at-night.ts'

let hub: Hub
let fleet: SimulatedFleet
let jobs: iothub.JobClient

beforeAll(async () => {
  hub = await createHub()
  fleet = await simulateFleet({
    hub,
    devices: [
      { deviceId: 'lift', tags: { building: 43 } },
      { deviceId: 'door', tags: { building: 43 }, behaviour: { kind: 'refuse', status: 409, payload: 'it is open' } },
      { deviceId: 'lamp', tags: { building: 44 } },
    ],
  })
  jobs = iothub.JobClient.fromConnectionString(hub.connectionString)
  // The SDK has no option for another port than 443, so this reaches into it.
  const agent = new Agent({ port: Number(new URL(hub.addresses.https).port), ca: hub.ca })
  Reflect.get(jobs, '_restApiClient').setOptions({ http: { agent } })
}, 120_000)

afterAll(async () => {
  await fleet?.stop()
  await hub?.stop()
}, 60_000)

test('the devices of a building are rebooted at night, and those of others are not', async () => {
  const jobId = await rebootAtNight(jobs, 43, hub.clock.now())
  expect(fleet.calls).toEqual([])

  hub.clock.advance(nextNight(hub.clock.now()).getTime() - hub.clock.now().getTime())
  // Ends with the job.
  for await (const _ of hub.subscribe(followJob, { jobId }));

  expect(fleet.calls.map(({ deviceId }) => deviceId).sort()).toEqual(['door', 'lift'])
  const { job } = await hub.execute(readJob, { jobId })
  const results = job?.deviceJobs?.nodes.map(({ deviceId, result, outcome }) => [deviceId, result, outcome?.payload])
  expect(results?.sort()).toEqual([
    ['door', 'REFUSED', 'it is open'],
    ['lift', 'SUCCEEDED', null],
  ])
}, 60_000)
