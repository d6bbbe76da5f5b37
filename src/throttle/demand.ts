/** What an instance was recently asked for, in units by throttle; a missing one is 0. */
export type Demand = Readonly<Record<string, number>>

/** The part of a throttle that is divided equally, whatever is asked for: an instance can always begin. */
const equalPart = 0.1

/** The share of one instance of a throttle, from 0 to 1. The shares of all instances make 1. */
export function shareOf(name: string, own: Demand, others: readonly Demand[]): number {
  const equal = 1 / (others.length + 1)
  const total = others.reduce((sum, demand) => sum + (demand[name] ?? 0), own[name] ?? 0)
  return total === 0 ? equal : equalPart * equal + ((1 - equalPart) * (own[name] ?? 0)) / total
}
