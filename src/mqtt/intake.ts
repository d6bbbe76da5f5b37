import type { Duplex } from 'node:stream'
import type { Deps } from '../deps.ts'
import { type Allowance, newAllowance, renew } from '../throttle/allowance.ts'
import { createPacketLimit, type Stretch } from './packet-limit.ts'

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
  let budget: { readonly packets: Allowance; readonly bytes: Allowance } | undefined
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

  /** Whether the budget allows reading; otherwise it is held until it does. Only now and then this takes a look at the clock. */
  const mayRead = (): boolean => {
    if (budget === undefined || (budget.packets.left > 0 && budget.bytes.left > 0)) return true
    const now = clock.now().getTime()
    const waitMs = Math.max(renew(budget.packets, now), renew(budget.bytes, now))
    if (waitMs > 0) void pause(waitMs)
    return waitMs === 0
  }

  const spend = ({ begun, length }: Stretch): void => {
    if (budget === undefined) connects -= begun
    else {
      budget.packets.left -= begun
      budget.bytes.left -= length
    }
  }

  stream.read = (size) => {
    if (holds > 0 || !mayRead()) return null
    const chunk: Buffer | null = read(size)
    if (chunk === null) return null
    const stretch = limitPackets(chunk, budget?.packets.left ?? connects)
    if (stretch === undefined) {
      stream.destroy()
      return null
    }
    spend(stretch)
    if (stretch.length === chunk.length) return chunk
    if (budget === undefined) admission = hold()
    // Not kept here: a stream that has data has not ended, whatever its device did after it had sent this.
    stream.unshift(chunk.subarray(stretch.length))
    return stretch.length === 0 ? null : chunk.subarray(0, stretch.length)
  }

  const intake: Intake = {
    admit() {
      const now = clock.now().getTime()
      budget = { packets: newAllowance(limits.mqttPackets, now), bytes: newAllowance(limits.mqttBytes, now) }
      admission?.()
      admitted()
    },
    hold,
    charge(packets) {
      if (budget !== undefined) budget.packets.left -= packets
    },
  }
  intakes.set(stream, intake)
  return intake
}
