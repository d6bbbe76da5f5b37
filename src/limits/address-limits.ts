import { type Bucket, fullBucket, type Rate, takeFrom, unitsIn } from '../throttle/bucket.ts'

/** The limits of a network. Both rates allow ten seconds' worth at once. */
export type AddressLimits = {
  /** Open connections to one port. */
  readonly connections: number
  /** New connections per second. */
  readonly newConnections: number
  /** Requests per second that are refused for their token. */
  readonly failures: number
}

/** The record of a network: its open connections by port, and what is left of its rates. */
export type AddressRecord = {
  readonly open: ReadonlyMap<string, number>
  readonly arrivals: Bucket
  readonly failures: Bucket
}

/**
 * The network of an address: an IPv4 address itself; for an IPv6 address its /64, all of which a client has. IPv4 in
 * IPv6 is IPv4.
 */
export function networkOf(address: string): string {
  const [, v4] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? []
  if (v4 !== undefined) return v4
  if (!address.includes(':')) return address
  const [before = '', after] = address.toLowerCase().split('::')
  const head = before === '' ? [] : before.split(':')
  const tail = after === undefined || after === '' ? [] : after.split(':')
  const zeros = after === undefined ? 0 : Math.max(8 - head.length - tail.length, 0)
  return `${[...head, ...Array<string>(zeros).fill('0'), ...tail].slice(0, 4).join(':')}::/64`
}

const burstSeconds = 10
const rateOf = (perSecond: number): Rate => ({ amount: perSecond * burstSeconds, seconds: burstSeconds })

export function newAddress(limits: AddressLimits, now: number): AddressRecord {
  return {
    open: new Map(),
    arrivals: fullBucket(rateOf(limits.newConnections), now),
    failures: fullBucket(rateOf(limits.failures), now),
  }
}

/** The record with one more connection to the port, or the reason to refuse it. */
export function arrive(
  record: AddressRecord,
  port: string,
  { limits, now }: { readonly limits: AddressLimits; readonly now: number },
): AddressRecord | 'too many connections' | 'too many new connections' {
  const open = record.open.get(port) ?? 0
  if (open >= limits.connections) return 'too many connections'
  const { bucket, waitMs } = takeFrom(record.arrivals, 1, now)
  if (waitMs > 0) return 'too many new connections'
  return { ...record, arrivals: bucket, open: new Map(record.open).set(port, open + 1) }
}

/** The record with one connection less to the port. */
export function leave(record: AddressRecord, port: string): AddressRecord {
  const open = new Map(record.open)
  const left = (open.get(port) ?? 1) - 1
  if (left > 0) open.set(port, left)
  else open.delete(port)
  return { ...record, open }
}

/** The record after a refused token. */
export function fail(record: AddressRecord, now: number): AddressRecord {
  return { ...record, failures: takeFrom(record.failures, 1, now).bucket }
}

/** Whether tokens that are not known to be good are checked. */
export function mayTry(record: AddressRecord, now: number): boolean {
  return unitsIn(record.failures, now) > 0
}

/** Whether the record contains no more than a new one would. */
export function isForgettable(record: AddressRecord, now: number): boolean {
  const isFull = (bucket: Bucket): boolean => unitsIn(bucket, now) >= bucket.rate.amount
  return record.open.size === 0 && isFull(record.arrivals) && isFull(record.failures)
}
