/** How long a device takes to answer, in milliseconds: constant, or random between two bounds. */
export type Latency = number | { readonly min: number; readonly max: number }

/** A random latency. `random` returns a number from 0 to under 1. */
export const drawLatency = (latency: Latency, random: () => number): number =>
  typeof latency === 'number' ? latency : latency.min + random() * (latency.max - latency.min)

/** The longest wait between two attempts to connect, in milliseconds. */
export const backOffCap = 10_000
const backOffBase = 100

/**
 * The wait before the next attempt after `failures` failures in a row: random, up to 100 ms doubled with each failure
 * and capped at 10 s. The whole range is used, so that a fleet that lost its hub does not reconnect in step.
 */
export const drawBackOff = (failures: number, random: () => number): number =>
  random() * Math.min(backOffCap, backOffBase * 2 ** failures)
