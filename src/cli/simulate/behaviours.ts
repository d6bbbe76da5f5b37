import type { Answering, Behaviour, SimulatedDevice } from '../../simulator/behaviour.ts'
import type { Latency } from '../../simulator/latency.ts'

/**
 * The behaviours other than answering. A share is a percentage of the fleet, and together the shares are at most 100.
 */
export const behaviourShares = ['offline', 'refuse', 'silent', 'flapping'] as const
export type Shares = Readonly<Record<(typeof behaviourShares)[number], number>>

/** The composition of a fleet. The same settings give the same fleet. */
export type Makeup = {
  readonly count: number
  readonly prefix: string
  readonly shares: Shares
  readonly delayMs: Latency
  /** Determines which devices get which behaviour. */
  readonly seed: number
}

/** For how many milliseconds a flapping device is connected, approximately, and disconnected. */
const flappingBehaviour = { upMs: 20_000, downMs: 5_000 } as const

/**
 * The devices with their behaviours. The number of devices with a behaviour is exactly its share, rounded to a whole
 * device.
 */
export function makeBehaviours({
  count,
  prefix,
  shares,
  delayMs,
  seed,
}: Makeup): Pick<SimulatedDevice, 'deviceId' | 'behaviour'>[] {
  const answering: Answering = { kind: 'answer', status: 200, payload: { simulated: true }, delayMs }
  const kinds: Record<keyof Shares, Behaviour> = {
    offline: { kind: 'offline', answering },
    refuse: { kind: 'refuse', status: 409, payload: { reason: 'simulated' }, delayMs },
    silent: { kind: 'silent' },
    flapping: { kind: 'flapping', ...flappingBehaviour, answering },
  }
  const behaviours: Behaviour[] = behaviourShares
    .flatMap((share) => Array.from({ length: Math.round((count * shares[share]) / 100) }, () => kinds[share]))
    .slice(0, count)
  while (behaviours.length < count) behaviours.push(answering)
  shuffle(behaviours, randomFrom(seed))
  const digits = Math.max(String(count).length, 5)
  return behaviours.map((behaviour, index) => ({
    deviceId: `${prefix}-${String(index + 1).padStart(digits, '0')}`,
    behaviour,
  }))
}

/** The Fisher–Yates shuffle. */
function shuffle<T>(values: T[], random: () => number): void {
  for (let last = values.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    const [a, b] = [values[last], values[other]]
    if (a !== undefined && b !== undefined) [values[last], values[other]] = [b, a]
  }
}

/** Random numbers from 0 to under 1, always the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
