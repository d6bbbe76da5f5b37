import { type Bucket, fullBucket, type Rate, takeFrom, unitsIn } from '../throttle/bucket.ts'

/** The limits of a network. Both rates allow ten seconds' worth at once. */
export type AddressLimits = {
  /** Open connections to one port. */
  readonly connections: number
  /** Open GraphQL WebSockets. */
  readonly sockets: number
  /** New connections per second. */
  readonly newConnections: number
  /** Requests per second that are refused for their token. */
  readonly failures: number
}

/**
 * The record of a network: its open connections by place, and what is left of its rates. A place is a port or
 * `sockets`.
 */
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
): AddressRecord | 'connections' | 'new_connections' {
  const entered = enter(record, port, limits.connections)
  if (entered === undefined) return 'connections'
  const { bucket, waitMs } = takeFrom(record.arrivals, 1, now)
  return waitMs > 0 ? 'new_connections' : { ...entered, arrivals: bucket }
}

/** The record with one more GraphQL WebSocket, or undefined to refuse it. */
export const openSocket = (record: AddressRecord, limits: AddressLimits): AddressRecord | undefined =>
  enter(record, 'sockets', limits.sockets)

function enter(record: AddressRecord, place: string, most: number): AddressRecord | undefined {
  const open = record.open.get(place) ?? 0
  return open < most ? { ...record, open: new Map(record.open).set(place, open + 1) } : undefined
}

/** The record with one connection less in the place. */
export function leave(record: AddressRecord, place: string): AddressRecord {
  const open = new Map(record.open)
  const left = (open.get(place) ?? 1) - 1
  if (left > 0) open.set(place, left)
  else open.delete(place)
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
