/** How long a device takes to answer, in milliseconds: always the same, or anything between two bounds. */
export type Latency = number | { readonly min: number; readonly max: number }

/** One draw from a latency. `random` gives a number from 0 to under 1. */
export const drawLatency = (latency: Latency, random: () => number): number =>
  typeof latency === 'number' ? latency : latency.min + random() * (latency.max - latency.min)

/** The longest wait between two tries to connect, in milliseconds. */
export const backOffCap = 10_000
const backOffBase = 100

/**
 * How long to wait before the next try after `failures` of them in a row: anything up to 100 ms doubled each time and
 * capped at 10 s. Drawn from the whole range, so that a fleet a hub has just lost does not come back in step.
 */
export const drawBackOff = (failures: number, random: () => number): number =>
  random() * Math.min(backOffCap, backOffBase * 2 ** failures)
