import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readDeviceJobs, registerFleet } from '../support/fleet.ts'
import { openSeveralHubs, type SeveralHubs, scheduleCalls } from '../support/several-hubs.ts'

let hubs: SeveralHubs
let folder: string
beforeEach(async () => {
  hubs = await openSeveralHubs()
  folder = await mkdtemp(join(tmpdir(), 'twincast-folders-'))
})
afterEach(async () => {
  await hubs.close()
  await rm(folder, { recursive: true, force: true })
})

test('a second instance with the data folder of one that runs is refused, and the first goes on', async () => {
  const first = await hubs.start({ DATA_DIR: folder })
  await expect(hubs.start({ DATA_DIR: folder })).rejects.toThrow(
    /The data folder .* is in use by another Twincast instance \(process \d+\)\. Stop that instance, or set DATA_DIR/,
  )
  expect((await fetch(`${first.addresses.http}/readyz`)).status).toBe(200)
})

test('an instance with a copy of the data folder of another is one of its own, with the same keys', async () => {
  const [original, copy] = [join(folder, 'original'), join(folder, 'copy')]
  const first = await hubs.start({ DATA_DIR: original })
  await cp(original, copy, { recursive: true })
  const second = await hubs.start({ DATA_DIR: copy })
  const { rows } = await hubs.database.pool.query('select id from instance where lease_until > now()')
  expect(rows).toHaveLength(2)

  const devices = await registerFleet(first.client, 'pump', 4, () => ({ kind: 'answer' }))
  const fleets = [first, second].map(({ mqttPort }, index) =>
    hubs.fleetAt(mqttPort, devices.slice(index * 2, index * 2 + 2)),
  )
  for (const fleet of fleets) await fleet.connect()
  const jobId = await scheduleCalls(second, 'pump')
  await expect.poll(async () => (await readDeviceJobs(first.client, jobId)).status).toBe('COMPLETED')
  expect(fleets.map(({ ledger }) => ledger.entries.length)).toEqual([2, 2])
})
