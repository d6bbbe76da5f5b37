import { createRandom } from './random.ts'

export const gateways = ['gateway 1', 'gateway 2', 'gateway 3'] as const
export const apis = ['api 1', 'api 2'] as const
export const workers = ['worker'] as const
/** The instances of the hub. */
export const memberNames = [...workers, ...apis, ...gateways] as const
export type MemberName = (typeof memberNames)[number]

/** What is done to the hub. `seconds` is how long it lasts, or how long an instance is gone until it is started again. */
export type Disturbance =
  | { readonly kind: 'kill' | 'freeze' | 'half-open'; readonly member: MemberName; readonly seconds: number }
  | {
      readonly kind: 'partition'
      readonly member: MemberName
      readonly from: 'bus' | 'database' | 'both'
      /** Whether packets are lost, are acknowledged by nobody who reads them, or connections are refused. */
      readonly how: 'drop' | 'stall' | 'refuse'
      readonly seconds: number
    }
  | { readonly kind: 'nats'; readonly seconds: number }
  | { readonly kind: 'rolling restart' }

/** Seconds from the start of the disturbances, and what happens then. */
export type Planned = { readonly at: number; readonly disturbance: Disturbance }

/** Seconds that the parts of a plan last. */
export type Pace = {
  readonly freeze: number
  readonly natsDown: number
  readonly partition: readonly [least: number, most: number]
  /** Until an instance that was disturbed works as before. */
  readonly recovery: number
  readonly rollingRestart: number
  /** Between the beginnings of two disturbances. */
  readonly pause: readonly [least: number, most: number]
}

/** That of the long run. */
export const longPace: Pace = {
  freeze: 15,
  natsDown: 30,
  partition: [5, 20],
  recovery: 10,
  rollingRestart: 45,
  pause: [3, 8],
}

/** A part of a deck: which instances are disturbed together, and how. */
type Card = { readonly members: readonly MemberName[]; readonly lasts: number; readonly disturbance: Disturbance }

/**
 * What is done to the hub and when, which follows from the seed alone. All kinds take turns in a random order. An instance
 * is disturbed in one way at a time, and one gateway and one api are left alone, as far as everything happens at its time.
 */
export function planDisturbances({
  seed,
  seconds,
  hasNats,
  pace,
}: {
  readonly seed: number
  readonly seconds: number
  readonly hasNats: boolean
  readonly pace: Pace
}): readonly Planned[] {
  const random = createRandom(seed)
  const deal = (): Card[] => {
    const on = (member: MemberName, disturbance: Disturbance): Card => ({
      members: [member],
      lasts: ('seconds' in disturbance ? disturbance.seconds : 0) + pace.recovery,
      disturbance,
    })
    const kill = (member: MemberName): Card => on(member, { kind: 'kill', member, seconds: random.between(0, 5) })
    const freeze = (member: MemberName): Card => on(member, { kind: 'freeze', member, seconds: pace.freeze })
    const halfOpen = (member: MemberName): Card =>
      on(member, { kind: 'half-open', member, seconds: random.between(...pace.partition) })
    const partition = (from: 'bus' | 'database' | 'both'): Card => {
      const member = random.pick(memberNames)
      const how = random.pick(['drop', 'stall', 'refuse'])
      return on(member, { kind: 'partition', member, from, how, seconds: random.between(...pace.partition) })
    }
    return random.shuffle([
      kill(random.pick(gateways)),
      kill(random.pick(gateways)),
      kill(random.pick(apis)),
      kill(random.pick(workers)),
      freeze(random.pick(gateways)),
      halfOpen(random.pick(gateways)),
      partition('bus'),
      partition('database'),
      partition('both'),
      { members: gateways, lasts: pace.rollingRestart + pace.recovery, disturbance: { kind: 'rolling restart' } },
      ...(hasNats
        ? ([
            {
              members: [],
              lasts: pace.natsDown + pace.recovery,
              disturbance: { kind: 'nats', seconds: pace.natsDown },
            },
          ] as const)
        : []),
    ])
  }

  /** Until when each instance is disturbed. */
  const busyUntil = new Map<MemberName, number>()
  const isBusy = (member: MemberName, at: number): boolean => (busyUntil.get(member) ?? 0) > at
  const spares = (group: readonly MemberName[], members: readonly MemberName[], at: number): boolean =>
    group.some((member) => !members.includes(member) && !isBusy(member, at))
  const mayFollow = ({ members }: Card, at: number): boolean =>
    members.every((member) => !isBusy(member, at)) &&
    // A rolling restart leaves the others alone by itself.
    (members === gateways || (spares(gateways, members, at) && spares(apis, members, at)))

  const planned: Planned[] = []
  let deck = deal()
  let at = random.between(...pace.pause)
  while (at < seconds) {
    const index = deck.findIndex((card) => mayFollow(card, at) && at + card.lasts - pace.recovery <= seconds)
    const [card] = index < 0 ? [] : deck.splice(index, 1)
    if (card !== undefined) {
      planned.push({ at, disturbance: card.disturbance })
      for (const member of card.members) busyUntil.set(member, at + card.lasts)
    }
    if (deck.length === 0) deck = deal()
    at += random.between(...pace.pause)
  }
  return planned
}
