import { probeNats } from '../bus/probe-nats.ts'
import type { Clock } from '../clock.ts'
import type { NatsSettings } from '../nats-settings.ts'
import { type Finding, ok, reasonOf, warning } from './finding.ts'

/**
 * Checks each server in BUS_URL: whether it answers, whether a hub may sign in, send and receive there, and how long a
 * message takes. A hub works without them, so they are no problems.
 */
export function checkBus(
  settings: NatsSettings,
  means: { readonly clock: Pick<Clock, 'elapsed' | 'sleep'>; readonly signal?: AbortSignal | undefined },
): Promise<readonly Finding[]> {
  return Promise.all(
    settings.address.servers.map(async (server) => {
      try {
        const ms = await probeNats({ ...settings, address: { ...settings.address, servers: [server] } }, means)
        return ok('bus', `NATS at ${server} accepts this hub; a message comes back after ${ms.toFixed(1)} ms.`)
      } catch (error) {
        means.signal?.throwIfAborted()
        return warning(
          'bus',
          `NATS at ${server} cannot be used: ${reasonOf(error)}`,
          'Check BUS_URL, its files, and the permissions of its user. PostgreSQL carries the messages meanwhile.',
        )
      }
    }),
  )
}
