import type { Deps } from '../deps.ts'
import { type Allowance, newAllowance } from '../throttle/allowance.ts'
import { type Bucket, fullBucket, spendFrom, unitsIn } from '../throttle/bucket.ts'

/** What a device may still send, whichever of its connections it comes by. Has a lifetime, so its fields change. */
export type Ration = {
  readonly packets: Allowance
  readonly bytes: Allowance
  connects: Bucket
  /** Ends the newest of its connections that came too soon after others, and waits to be let in. */
  endWaiting: (() => void) | undefined
}

/** The rations of all devices that sent something lately. */
export type Rations = {
  of(deviceId: string): Ration
  /** Counts a connection, and answers the milliseconds after which it is due. */
  connect(deviceId: string): number
}

/** Seconds of the rate of connections that a device may use at once. */
const burstSeconds = 4
/** Rations that are kept before those that say no more than a new one would are looked for. */
const fewest = 2_000

/** Kept by device and not by connection: who comes back is no new device, with all that a new one may send at once. */
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
