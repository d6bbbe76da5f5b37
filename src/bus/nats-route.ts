import type { Clock } from '../clock.ts'
import type { Lease } from '../database/instance-lease.ts'
import type { Transport } from '../database/notifications.ts'
import { membersOf } from '../json/json.ts'
import type { Log } from '../log/log.ts'
import type { NatsSettings } from '../nats-settings.ts'
import { parsed } from './bus.ts'
import { connectNats } from './nats.ts'

/** Milliseconds after which an instance repeats that it listens to NATS. */
const announceInterval = 5_000
/** Milliseconds after which an instance that has not repeated it counts as unreachable there. */
const patience = 3 * announceInterval

/** Where the instances announce that they listen to NATS. */
const subject = 'members'

/**
 * Sends by NATS what all other instances receive there. An instance may be without NATS: because it has lost its
 * connection, runs with other settings, or has a server that the others do not reach. Then PostgreSQL carries everything,
 * so nothing depends on NATS. Each instance announces itself on NATS, by its id.
 */
export type NatsRoute = {
  isConnected(): boolean
  /** The number of other instances that were recently heard on NATS. */
  peers(): number
  /** Whether these are all other instances. */
  reachesAll(): boolean
  /**
   * Sends a text by NATS to all other instances that listen to the subject. False when PostgreSQL has to carry it.
   * `unheard` is called when nobody listened, because the only listener has just lost NATS, for example.
   */
  send(subject: string, text: string, unheard: () => void): boolean
  /** Receives texts that are sent by `send`. */
  listen(subject: string): void
  /** Messages by NATS, or else by PostgreSQL. */
  readonly transport: Transport
  /** This other instance has lost NATS. */
  forget(id: string): void
  /** Leaves NATS when what was sent has arrived there. */
  close(): Promise<void>
}

/** `received` gets what NATS brings. `lost` is called when what NATS should have brought since then may be lost. */
export async function routeByNats(
  {
    clock,
    log,
    lease,
    others,
    postgres,
    settings,
    prefix,
  }: {
    readonly clock: Clock
    readonly log: Log
    readonly lease: Pick<Lease, 'instanceId'>
    /** The ids of the other instances. */
    readonly others: () => { readonly size: number; keys(): Iterable<string> }
    /** What carries messages that NATS cannot. */
    readonly postgres: Transport
    readonly settings: NatsSettings
    readonly prefix: string
  },
  {
    received,
    lost,
  }: { readonly received: (subject: string, text: string) => void; readonly lost: (since: Date) => void },
): Promise<NatsRoute> {
  const closing = new AbortController()
  /** When each instance was heard on NATS, by its id. */
  const heard = new Map<string, number>()

  const announce = (asks: boolean): void => void nats.send(subject, JSON.stringify({ id: lease.instanceId, asks }))
  const hear = (text: string): void => {
    const { id, asks } = membersOf(parsed(text))
    if (typeof id !== 'string' || id.length !== lease.instanceId.length) return
    heard.set(id, clock.elapsed())
    if (asks === true) announce(false)
  }
  const { servers } = settings.address
  const nats = await connectNats(
    {
      settings,
      prefix,
      clock,
      onError: (error) => log.warn({ err: error, servers }, 'NATS unavailable; PostgreSQL carries messages meanwhile'),
    },
    {
      message: (from, text) => (from === subject ? hear(text) : received(from, text)),
      connected(server) {
        log.info({ server }, 'connected to NATS')
        announce(true)
      },
      lost(since) {
        if (!closing.signal.aborted)
          log.warn({ servers }, 'connection to NATS lost; PostgreSQL carries messages meanwhile')
        heard.clear()
        lost(since)
      },
    },
  )
  nats.listen(subject)

  const forgetSilent = (): void => {
    for (const [id, elapsed] of heard) if (elapsed + patience <= clock.elapsed()) heard.delete(id)
  }
  const keepAnnouncing = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await clock.sleep(announceInterval, closing.signal)
      announce(false)
      forgetSilent()
    }
  }
  const announcing = keepAnnouncing()

  const reachesAll = (): boolean => {
    const all = others()
    return all.size > 0 && [...all.keys()].every((id) => heard.has(id))
  }
  const send: NatsRoute['send'] = (to, text, unheard) => reachesAll() && nats.send(to, text, unheard)
  return {
    isConnected: nats.isConnected,
    peers: () => [...others().keys()].filter((id) => heard.has(id)).length,
    reachesAll: () => nats.isConnected() && reachesAll(),
    send,
    listen: nats.listen,
    transport: {
      send(to, text) {
        const sendByPostgres = (): boolean => postgres.send(to, text)
        return send(to, text, sendByPostgres) || sendByPostgres()
      },
      listen(to) {
        postgres.listen(to)
        nats.listen(to)
      },
      unlisten(to) {
        postgres.unlisten(to)
        nats.unlisten(to)
      },
    },
    forget: (id) => void heard.delete(id),
    async close() {
      closing.abort()
      await announcing
      await nats.close()
    },
  }
}
