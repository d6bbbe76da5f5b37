import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTestClock } from '../../support/clock.ts'
import { givenDevices, givenMethodJob, jobRow } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { answer, dispatch, finish, start } from '../facts.ts'
import { type OpenPort, openPort, until } from './sockets.ts'

const clientCount = 20
let door: TestDoor
let port: OpenPort
let deviceIds: string[]
beforeAll(async () => {
  door = await openDoor({ clock: createTestClock() })
  deviceIds = await givenDevices(door.deps, 'pump', 30)
})
afterAll(() => door.close())
beforeEach(async () => {
  port = await openPort(door)
})
afterEach(async () => {
  await port.close()
  await until(() => door.server.openStreams() === 0)
})

const query = `subscription ($after: Int) {
  deviceJobStatistics(jobId: "lossy", after: $after) {
    version
    deviceJobStatistics { deviceCount pendingCount runningCount succeededCount failedCount cancelledCount }
  }
}`
type Counts = Readonly<Record<string, number>>

/** Follows the job to its end on sockets that break, each after another few updates; answers all that was shown. */
async function followWithBreaks(client: number): Promise<{ readonly version: number; readonly counts: Counts }[]> {
  const seen: { readonly version: number; readonly counts: Counts }[] = []
  for (let connection = 0; ; connection++) {
    const socket = await port.socket()
    socket.send({ type: 'connection_init' })
    await socket.next()
    const variables = { after: seen.at(-1)?.version }
    socket.send({ id: '1', type: 'subscribe', payload: { query, variables } })
    for (let patience = 1 + ((client + 3 * connection) % 5); patience > 0; patience--) {
      const { type, payload } = await socket.next()
      if (type === 'complete') return seen
      const { version, deviceJobStatistics: counts } = Object(payload).data.deviceJobStatistics
      seen.push({ version, counts })
    }
    socket.raw.terminate()
  }
}

test('whoever loses its connection again and again is shown no version twice, sums that are right, and the last', async () => {
  const jobId = await givenMethodJob(door.deps, 'pump', {}, { jobId: 'lossy' })
  await start(door.deps, jobId)
  const clients = Promise.all(Array.from({ length: clientCount }, (_, client) => followWithBreaks(client)))
  const change = () => door.deps.events.publish('job', jobId, { jobId })
  for (const deviceId of deviceIds) {
    await dispatch(door.deps, { jobId, deviceId })
    change()
    await answer(door.deps, { jobId, deviceId, response: { status: 200, payload: 'null' } })
    change()
  }
  await finish(door.deps)
  change()

  const { version: last } = await jobRow(door.deps, jobId)
  for (const seen of await clients) {
    const versions = seen.map(({ version }) => version)
    expect(versions).toEqual([...new Set(versions)].sort((one, other) => one - other))
    expect(versions.at(-1)).toBe(last)
    for (const { counts } of seen) {
      const { deviceCount, ...parts } = counts
      expect(Object.values(parts).reduce((sum, count) => sum + count, 0)).toBe(deviceCount)
    }
  }
})
