import type { Deps } from '../deps.ts'
import { type Allowance, newAllowance } from '../throttle/allowance.ts'
import { type Bucket, fullBucket, spendFrom, unitsIn } from '../throttle/bucket.ts'

/** How much a device may still send, over all its connections. It has a lifetime, so its fields change. */
export type Ration = {
  readonly packets: Allowance
  readonly bytes: Allowance
  connects: Bucket
  /** Ends the newest of its connections that came too soon after others and waits for its admission. */
  endWaiting: (() => void) | undefined
}

/** The rations of all recently active devices. */
export type Rations = {
  of(deviceId: string): Ration
  /** Counts a connection, and returns the milliseconds until it is due. */
  connect(deviceId: string): number
}

/** Seconds of the connection rate that a device may use at once. */
const burstSeconds = 4
/** Number of rations above which those equal to a new one are removed. */
const fewest = 2_000

/** Kept per device and not per connection: a device that reconnects does not get the burst of a new one. */
export function createRations({ clock, limits }: Pick<Deps, 'clock' | 'limits'>): Rations {
  const byDevice = new Map<string, Ration>()
  let most = fewest
  const now = (): number => clock.now().getTime()

  const isFull = (bucket: Bucket): boolean => unitsIn(bucket, now()) >= bucket.rate.amount
  const sweep = (): void => {
    for (const [deviceId, { packets, bytes, connects, endWaiting }] of byDevice) {
      const isSpent = [packets, bytes].some(({ left, bucket }) => left <= 0 || !isFull(bucket))
      if (!isSpent && isFull(connects) && endWaiting === undefined) byDevice.delete(deviceId)
    }
    most = Math.max(2 * byDevice.size, fewest)
  }
  const of = (deviceId: string): Ration => {
    const known = byDevice.get(deviceId)
    if (known !== undefined) return known
    if (byDevice.size >= most) sweep()
    const ration: Ration = {
      packets: newAllowance(limits.mqttPackets, now()),
      bytes: newAllowance(limits.mqttBytes, now()),
      connects: fullBucket({ amount: limits.mqttConnects * burstSeconds, seconds: burstSeconds }, now()),
      endWaiting: undefined,
    }
    byDevice.set(deviceId, ration)
    return ration
  }
  return {
    of,
    connect(deviceId) {
      const ration = of(deviceId)
      const { bucket, waitMs } = spendFrom(ration.connects, 1, now())
      ration.connects = bucket
      return waitMs
    },
  }
}
