import { pino } from 'pino'
import { vi } from 'vitest'
import { createBus } from '../../src/bus/bus.ts'
import type { Clock } from '../../src/clock.ts'
import { serversOf } from '../../src/database/servers.ts'
import { createEvents } from '../../src/events/events.ts'
import { joinInstances } from '../../src/events/instances.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'

type Settings = Parameters<typeof joinInstances>[1]

/**
 * An instance on the database: the ids and messages that it receives from others, and how often it looked for what it
 * may have missed.
 */
export async function joinInstance<Time extends Clock>({
  databaseUrl,
  clock,
  nats,
}: {
  readonly databaseUrl: string
  readonly clock: Time
  readonly nats?: Settings['nats']
}) {
  const events = createEvents(clock)
  const bus = createBus(clock)
  const metrics = createMetrics()
  const heard: string[] = []
  events.listen('identity')(({ deviceId }) => heard.push(deviceId))
  events.listen('presence')(({ deviceIds }) => heard.push(...deviceIds))
  bus.subscribe('news', (text) => heard.push(text))
  const recoverMissed = vi.fn(async (_since: Date) => {})
  const instances = await joinInstances(
    { clock, events, bus, log: pino({ level: 'silent' }), metrics },
    { servers: serversOf(databaseUrl), nats, recoverMissed },
  )
  return { ...instances, clock, events, bus, metrics, heard, recoverMissed }
}
