import type { Clock } from '../clock.ts'

/** Another instance, as its lease shows it: `hints` is the number of the last hint that it has sent. */
export type SendingInstance = { readonly id: string; readonly hints: number }

/**
 * The other instances, and whether all their hints arrive. Leases say which instances live. Each instance numbers its
 * hints and writes the number of the last one with its lease, so a hint that has not arrived is noticed here, whichever
 * transport lost it, and even if its sender could not send it.
 */
export type OtherInstances = {
  /** Their ids: those whose leases hold, and those that sent something since the leases were read. */
  ids(): Ids
  /** The leases were read: these instances live. */
  seen(living: readonly SendingInstance[]): void
  /** A hint with this number has arrived. Untrusted: every user of a transport can send one. */
  received(id: string, number: number): void
  /** The instance has sent its last hint, which has this number. */
  left(id: string, number: number): void
}

/** Ids of instances. */
export type Ids = { readonly size: number; keys(): Iterable<string> }

/** Milliseconds in which a hint arrives. One that takes longer counts as lost. */
const patience = 4_000
/** Milliseconds for which a lease may show an instance that has left. Afterwards, somebody else said so. */
const leaving = 10_000
/** Bounds what strangers can make an instance keep: hints that came before an earlier one, and senders without a lease. */
const most = 10_000

type Sender = {
  /** Whether its lease was read. */
  isKnown: boolean
  /** All hints up to this number have arrived, or were reported as missed. */
  upTo: number
  /** The numbers above that have arrived. Transports may overtake each other. */
  readonly later: Set<number>
  /** Everything that was sent before has arrived, or was reported as missed. */
  completeSince: Date
  /** What its lease said, and when it was read: the readings that are not older than `patience`. */
  readonly readings: { readonly hints: number; readonly time: Date; readonly elapsed: number }[]
}

/** `missed` is called when hints that were sent since then have not arrived. `living` was read before hints could arrive. */
export function createOtherInstances(
  clock: Pick<Clock, 'now' | 'elapsed'>,
  living: readonly SendingInstance[],
  missed: (since: Date) => void,
): OtherInstances {
  const senders = new Map<string, Sender>()
  /** Those that have left, with the numbers of their last hints, as long as their leases show them. */
  const gone = new Map<string, { readonly number: number; readonly elapsed: number }>()
  let seenAt = clock.now()

  const begin = (id: string, upTo: number): Sender => {
    const sender: Sender = { isKnown: false, upTo, later: new Set(), completeSince: seenAt, readings: [] }
    senders.set(id, sender)
    return sender
  }
  const skipTo = (sender: Sender, number: number): void => {
    sender.upTo = Math.max(sender.upTo, number)
    for (const each of sender.later) if (each <= sender.upTo) sender.later.delete(each)
    while (sender.later.delete(sender.upTo + 1)) sender.upTo++
  }
  const arrived = (sender: Sender, number: number): void => {
    if (number === sender.upTo + 1) skipTo(sender, number)
    else if (number > sender.upTo && sender.later.size < most) sender.later.add(number)
  }
  // What they sent before was committed before this instance reads rows.
  for (const { id, hints } of living) begin(id, hints).isKnown = true

  return {
    ids: () => senders,
    seen(all) {
      const [time, elapsed] = [clock.now(), clock.elapsed()]
      const losses: Date[] = []
      const ids = new Set(all.map(({ id }) => id))
      for (const id of gone.keys()) if (!ids.has(id)) gone.delete(id)
      for (const [id, { isKnown, completeSince }] of senders) {
        if (ids.has(id)) continue
        senders.delete(id)
        // It did not say that it had sent everything.
        if (isKnown) losses.push(completeSince)
      }
      for (const { id, hints } of all) {
        if (elapsed - (gone.get(id)?.elapsed ?? Number.NEGATIVE_INFINITY) < leaving) continue
        gone.delete(id)
        const sender = senders.get(id) ?? begin(id, 0)
        sender.isKnown = true
        sender.readings.push({ hints, time, elapsed })
        // A stranger invented them. They would leave no room for those that come.
        for (const each of sender.later) if (each > hints + most) sender.later.delete(each)
        for (let [first] = sender.readings; first && first.elapsed + patience <= elapsed; [first] = sender.readings) {
          if (sender.upTo < first.hints) losses.push(sender.completeSince)
          skipTo(sender, first.hints)
          sender.completeSince = first.time
          sender.readings.shift()
        }
      }
      seenAt = time
      if (losses.length > 0) missed(new Date(Math.min(...losses.map((since) => since.getTime()))))
    },
    received(id, number) {
      if (number <= (gone.get(id)?.number ?? 0)) return
      gone.delete(id) // somebody else said that it had left
      const sender = senders.get(id) ?? (senders.size < most ? begin(id, 0) : undefined)
      if (sender !== undefined) arrived(sender, number)
    },
    left(id, number) {
      const sender = senders.get(id)
      if (sender === undefined) return
      gone.set(id, { number, elapsed: clock.elapsed() })
      senders.delete(id)
      arrived(sender, number)
      if (sender.upTo < number) missed(sender.completeSince)
    },
  }
}
