import { pino } from 'pino'
import { vi } from 'vitest'
import { createBus } from '../../src/bus/bus.ts'
import { type Clock, systemClock } from '../../src/clock.ts'
import { holdLease } from '../../src/database/instance-lease.ts'
import { serversOf } from '../../src/database/servers.ts'
import { createEvents, type Events } from '../../src/events/events.ts'
import { type Instances, joinInstances } from '../../src/events/instances.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'

type Settings = Parameters<typeof joinInstances>[1]

/**
 * An instance on the database: the ids and messages that it receives from others, and how often it looked for what it
 * may have missed. With a lease of ten minutes, it does not read those of the others during a test.
 */
export async function joinInstance<Time extends Clock>({
  databaseUrl,
  clock,
  leaseMs = 3_000,
  nats,
  beforeJoining = () => {},
}: {
  readonly databaseUrl: string
  readonly clock: Time
  readonly leaseMs?: number | undefined
  readonly nats?: Settings['nats']
  /** What happens while the others can see its lease, and it has not joined yet. */
  readonly beforeJoining?: ((events: Events) => void) | undefined
}) {
  const events = createEvents(clock)
  const bus = createBus(clock)
  const metrics = createMetrics()
  const heard: string[] = []
  events.listen('identity')(({ deviceId }) => heard.push(deviceId))
  events.listen('presence')(({ deviceIds }) => heard.push(...deviceIds))
  bus.subscribe('news', (text) => heard.push(text))
  const recoverMissed = vi.fn(async (_since: Date) => {})
  const servers = serversOf(databaseUrl)
  let instances: Instances | undefined
  const lease = await holdLease(
    { servers, clock: systemClock, ms: leaseMs, hints: () => instances?.hints() ?? 0, onError: () => {} },
    {
      clear: async () => {},
      seen: (others) => instances?.seen(others),
      clockJudged: () => {},
      returned: () => {},
      stranded: () => {},
    },
  )
  beforeJoining(events)
  const joined = await joinInstances(
    { clock, events, bus, lease, log: pino({ level: 'silent' }), metrics },
    { servers, living: lease.others(), nats, recoverMissed },
  )
  let closed: Promise<void> | undefined
  const leave = async (): Promise<void> => {
    await joined.close()
    await lease.leave()
  }
  instances = joined
  const read = async (name: string, transport: string): Promise<number> => {
    const line = new RegExp(`^${name}\\{[^}]*transport="${transport}"[^}]*\\} (\\d+)$`, 'm')
    return Number(line.exec(await metrics.print())?.[1] ?? Number.NaN)
  }
  return {
    ...joined,
    instanceId: lease.instanceId,
    clock,
    events,
    bus,
    heard,
    recoverMissed,
    peers: (transport: 'nats' | 'postgresql') => read('twincast_bus_peers', transport),
    sent: (transport: 'nats' | 'postgresql') => read('twincast_bus_events_total', transport),
    /** Once, however often it is called. */
    close: () => {
      closed ??= leave()
      return closed
    },
  }
}
