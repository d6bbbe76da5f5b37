import type { Duplex } from 'node:stream'
import type { Deps } from '../deps.ts'
import { type Bucket, fullBucket, spendFrom, takeFrom, unitsIn } from '../throttle/bucket.ts'
import { createPacketLimit } from './packet-limit.ts'

/** Remaining lengths, in bytes. A CONNECT holds two ids and a token; messages are at most 256 KB in IoT Hub. */
export const PACKET_LIMITS = { first: 16 * 1024, others: 256 * 1024 }

/** How much of one connection is read, and when. What is not read yet waits at the device, by TCP's own means. */
export type Intake = {
  /** The device is let in: what follows its CONNECT may be read. */
  admit(): void
  /** Nothing more is read until the function that this answers is called. */
  hold(): () => void
  /** The present packet costs as much as so many others. */
  charge(packets: number): void
}

const intakes = new WeakMap<Duplex, Intake>()

/** The intake of a connection that has one. */
export function intakeOf(stream: Duplex): Intake {
  const intake = intakes.get(stream)
  if (intake === undefined) throw new Error('This connection is read by somebody else.')
  return intake
}

/** Seconds of its rate that a device may use at once. */
const BURST_SECONDS = 2
/** Of a device over its rate, packets are read in lots: the share of a second's packets in one. */
const LOT = 10

/**
 * Stands between a connection and the broker, which reads with `read` and has no limits of its own. Before a device is let
 * in, only its CONNECT is read. After that a device has so many packets and bytes a second, and twice as many at once; over
 * that it is read from later, and loses nothing. So neither pings nor answers to calls that nobody made can keep the hub
 * from the other devices. `admitted` is called when the device is let in.
 */
export function controlIntake(
  stream: Duplex,
  { clock, limits }: Pick<Deps, 'clock' | 'limits'>,
  admitted: () => void = () => {},
): Intake {
  const limitPackets = createPacketLimit(PACKET_LIMITS)
  const read = stream.read.bind(stream)
  const closed = new AbortController()
  stream.once('close', () => closed.abort())
  /** Undefined until the device is let in. */
  let budget: { packets: Bucket; bytes: Bucket } | undefined
  let connects = 1
  let holds = 0
  let admission: (() => void) | undefined

  const hold = (): (() => void) => {
    let held = true
    holds++
    return () => {
      if (!held) return
      held = false
      holds--
      // The broker has asked in vain, and does not ask again by itself.
      if (holds === 0) stream.emit('readable')
    }
  }
  const pause = async (ms: number): Promise<void> => {
    const release = hold()
    await clock.sleep(ms, closed.signal)
    release()
  }

  /** How many packets may be read now. */
  const packetsNow = (now: number): number => {
    if (budget === undefined) return connects
    const packets = unitsIn(budget.packets, now)
    const waitMs = Math.max(
      packets > 0 ? 0 : takeFrom(budget.packets, Math.ceil(limits.mqttPackets / LOT), now).waitMs,
      takeFrom(budget.bytes, 1, now).waitMs,
    )
    if (waitMs === 0) return packets
    void pause(waitMs)
    return 0
  }

  const spend = (packets: number, bytes: number, now: number): void => {
    connects -= packets
    if (budget === undefined) return
    budget.packets = spendFrom(budget.packets, packets, now).bucket
    budget.bytes = spendFrom(budget.bytes, bytes, now).bucket
  }

  stream.read = (size) => {
    if (holds > 0) return null
    const now = clock.now().getTime()
    const most = packetsNow(now)
    const chunk: Buffer | null = holds > 0 ? null : read(size)
    if (chunk === null) return null
    const stretch = limitPackets(chunk, most)
    if (stretch === undefined) {
      stream.destroy()
      return null
    }
    spend(stretch.begun, stretch.length, now)
    if (stretch.length === chunk.length) return chunk
    if (budget === undefined) admission = hold()
    // Not kept here: a stream that has data has not ended, whatever its device did after it had sent this.
    stream.unshift(chunk.subarray(stretch.length))
    return stretch.length === 0 ? null : chunk.subarray(0, stretch.length)
  }

  const intake: Intake = {
    admit() {
      const now = clock.now().getTime()
      const full = (rate: number): Bucket => fullBucket({ amount: rate * BURST_SECONDS, seconds: BURST_SECONDS }, now)
      budget = { packets: full(limits.mqttPackets), bytes: full(limits.mqttBytes) }
      admission?.()
      admitted()
    },
    hold,
    charge: (packets) => spend(packets, 0, clock.now().getTime()),
  }
  intakes.set(stream, intake)
  return intake
}
