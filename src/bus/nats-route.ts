import type { Clock } from '../clock.ts'
import type { Notifications, Transport } from '../database/notifications.ts'
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
 * so nothing depends on NATS. Each instance announces itself on NATS, by its number among the processes on the database.
 */
export type NatsRoute = {
  isConnected(): boolean
  /** The number of other instances that were recently heard on NATS. */
  peers(): number
  /**
   * Sends a text by NATS to all other instances that listen to the subject. False when PostgreSQL has to carry it.
   * `unheard` is called when nobody listened, because the only listener has just lost NATS, for example.
   */
  send(subject: string, text: string, unheard: () => void): boolean
  /** Receives texts that are sent by `send`. */
  listen(subject: string): void
  /** Messages by NATS, or else by PostgreSQL. */
  readonly transport: Transport
  /** This process has a new number. */
  joined(): void
  /** This other process has a new connection to the database, or has lost the one to NATS. */
  forget(pid: number): void
  /** Leaves NATS when what was sent has arrived there. */
  close(): Promise<void>
}

/** `received` gets what NATS brings. */
export async function routeByNats(
  {
    clock,
    log,
    notifications,
    settings,
    prefix,
  }: {
    readonly clock: Clock
    readonly log: Log
    readonly notifications: Notifications
    readonly settings: NatsSettings
    readonly prefix: string
  },
  received: (subject: string, text: string) => void,
): Promise<NatsRoute> {
  const closing = new AbortController()
  /** When each instance was heard on NATS, by its number. */
  const heard = new Map<number, { readonly elapsed: number; readonly time: Date }>()

  const announce = (asks: boolean): void => {
    const pid = notifications.pid()
    if (pid !== undefined) nats.send(subject, JSON.stringify({ pid, asks }))
  }
  const hear = (text: string): void => {
    const { pid, asks } = membersOf(parsed(text))
    if (typeof pid !== 'number') return
    heard.set(pid, { elapsed: clock.elapsed(), time: clock.now() })
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
        notifications.lost(since)
      },
    },
  )
  nats.listen(subject)

  /** Since when an instance that was on NATS is silent there: what was sent since then may not have arrived. */
  const forgetSilent = (): Date | undefined => {
    const silent = [...heard].filter(([, { elapsed }]) => elapsed + patience <= clock.elapsed())
    for (const [pid] of silent) heard.delete(pid)
    const others = notifications.others()
    const times = silent.flatMap(([pid, { time }]) => (others.has(pid) ? time.getTime() : []))
    return times.length === 0 ? undefined : new Date(Math.min(...times))
  }
  const keepAnnouncing = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await clock.sleep(announceInterval, closing.signal)
      announce(false)
      const since = forgetSilent()
      if (since !== undefined) notifications.lost(since)
    }
  }
  const announcing = keepAnnouncing()

  const reachesAll = (): boolean => {
    const others = notifications.others()
    return notifications.knowsOthers() && others.size > 0 && [...others].every((pid) => heard.has(pid))
  }
  const send: NatsRoute['send'] = (to, text, unheard) => reachesAll() && nats.send(to, text, unheard)
  return {
    isConnected: nats.isConnected,
    peers: () => [...notifications.others()].filter((pid) => heard.has(pid)).length,
    send,
    listen: nats.listen,
    transport: {
      send(to, text) {
        const sendByPostgres = (): boolean => notifications.transport.send(to, text)
        return send(to, text, sendByPostgres) || sendByPostgres()
      },
      listen(to) {
        notifications.transport.listen(to)
        nats.listen(to)
      },
      unlisten(to) {
        notifications.transport.unlisten(to)
        nats.unlisten(to)
      },
    },
    joined: () => announce(true),
    forget: (pid) => void heard.delete(pid),
    async close() {
      closing.abort()
      await announcing
      await nats.close()
    },
  }
}
