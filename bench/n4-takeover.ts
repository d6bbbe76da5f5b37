import { sqltag as sql } from '@prisma/client/runtime/client'
import { abortable, pause } from '../src/cli/abortable.ts'
import { createFleet } from '../src/simulator/fleet.ts'
import type { Bench } from './benchmark.ts'
import { createClosers } from './closers.ts'
import { type DeviceKey, registerFleet } from './fleet.ts'
import { leaveHub } from './hub.ts'
import { scheduleAt, startInstances, untilNoneIsOpen } from './instances.ts'
import { verifyJobs } from './jobs.ts'
import { compare } from './measure.ts'
import { percentile } from './numbers.ts'
import type { Row, Run } from './row.ts'

const full = { moving: 500, staying: 500 }
const quickSizes = { moving: 20, staying: 20 }
/** Milliseconds. */
const allowed = { call: 1_000, presence: 8_000 }
/** Devices that connect at a time: more would wait for each other and not for the hub. */
const lanes = 8
/** Milliseconds between two looks at the rows. */
const lookInterval = 20

/** N4: how soon devices of a gateway that was killed are called elsewhere, and are known to be disconnected. */
export async function takeover(bench: Bench): Promise<Row[]> {
  const { moving, staying } = bench.quick ? quickSizes : full
  const { deps, databaseUrl, signal } = bench
  const keys = await registerFleet(bench, 'n4', moving + staying)
  await leaveHub(deps)
  const closers = createClosers()
  try {
    const { all, close } = await startInstances({ databaseUrl, signal }, ['api,worker', 'gateway'])
    closers.add(close)
    const [api, survivor] = all
    if (api === undefined || survivor === undefined) throw new Error('An instance is missing.')

    const presence: Run[] = []
    const ours = async (): Promise<Run> => {
      const during = createClosers()
      try {
        const doomed = await startInstances({ databaseUrl, signal }, ['gateway'])
        during.add(doomed.close)
        const [victim] = doomed.all
        if (victim === undefined) throw new Error('The gateway is missing.')
        const before = fleetAt(victim.mqttPort, keys)
        during.add(before.close)
        await abortable(before.connect(), signal)

        const killedAt = performance.now()
        await victim.kill()
        const jobId = await scheduleAt(api, "tags.fleet = 'n4'")
        const subscribedAt = new Map<string, number>()
        const waits: number[] = []
        const after = fleetAt(survivor.mqttPort, keys, (deviceId) => {
          waits.push(performance.now() - (subscribedAt.get(deviceId) ?? performance.now()))
        })
        during.add(after.close)
        const comeBack = async (some: readonly DeviceKey[]): Promise<void> => {
          const queue = some.values()
          const lane = async (): Promise<void> => {
            for (const { id } of queue) {
              await after.connect({ deviceIds: [id] })
              subscribedAt.set(id, performance.now())
            }
          }
          await abortable(Promise.all(Array.from({ length: lanes }, lane)), signal)
        }
        await comeBack(keys.slice(0, moving))
        for (;;) {
          const [row] = await deps.db.query<{ connected: number }>(
            sql`select count(*)::integer as connected from device where connection_state = 'connected'`,
          )
          if (row?.connected === moving) break
          await pause(lookInterval, signal)
        }
        presence.push({ value: performance.now() - killedAt, cpuMicros: {} })
        // The others come back, so that the job ends.
        await comeBack(keys.slice(moving))
        await untilNoneIsOpen(deps.db, signal)
        await verifyJobs(deps, [jobId], keys.length)
        return { value: percentile(waits, 1), cpuMicros: {} }
      } finally {
        await during.close()
      }
    }
    const calls = await compare(bench, {
      name: 'N4 call',
      what: `after a gateway was killed, from the subscription of a device elsewhere to its call, the longest of ${keys.length.toLocaleString('en')}`,
      unit: 'ms',
      baselineName: 'what is allowed',
      limit: { kind: 'goal', atMost: 1 },
      ours,
      baseline: async () => ({ value: allowed.call, cpuMicros: {} }),
    })
    return [
      calls,
      {
        ...calls,
        name: 'N4 presence',
        what: `from the kill until ${staying} devices that do not come back count as disconnected`,
        // That of the warm-up comes first.
        ours: presence.slice(1),
        baseline: calls.baseline.map((run) => ({ ...run, value: allowed.presence })),
      },
    ]
  } finally {
    await closers.close()
  }
}

/** Devices in this process, so that the time of a call is known exactly. They connect by name. */
function fleetAt(port: number, keys: readonly DeviceKey[], called: (deviceId: string) => void = () => {}) {
  return createFleet(
    {
      host: '127.0.0.1',
      port,
      hubName: 'localhost',
      reconnect: false,
      devices: keys.map(({ id, primaryKey }) => ({ deviceId: id, primaryKey, behaviour: { kind: 'answer' } })),
    },
    { onMethodRequest: ({ deviceId }) => called(deviceId), onError: () => {} },
  )
}
