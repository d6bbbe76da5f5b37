import type { Duplex } from 'node:stream'
import type { Deps } from '../deps.ts'
import { renew } from '../throttle/allowance.ts'
import { createPacketLimit, type Stretch } from './packet-limit.ts'
import type { Ration } from './ration.ts'

/** Remaining lengths, in bytes. A CONNECT holds two ids and a token; messages are at most 256 KB in IoT Hub. */
export const packetLimits = { first: 16 * 1024, others: 256 * 1024 }

/** How much of one connection is read, and when. What is not read yet waits at the device, by TCP's own means. */
export type Intake = {
  /** The device is let in: what follows its CONNECT may be read, as far as its ration goes. */
  admit(ration: Ration): void
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

/** Packets that are read in one turn of the event loop. Others have theirs before there are more. */
const packetsPerTurn = 64

/**
 * Stands between a connection and the broker, which reads with `read` and has no limits of its own. Before a device is let
 * in, only its CONNECT is read. After that a device has so many packets and bytes a second, and twice as many at once; over
 * that it is read from later, and loses nothing. So neither pings nor answers to calls that nobody made can keep the hub
 * from the other devices. `admitted` is called when the device is let in.
 */
export function controlIntake(stream: Duplex, { clock }: Pick<Deps, 'clock'>, admitted: () => void = () => {}): Intake {
  const limitPackets = createPacketLimit(packetLimits)
  const read = stream.read.bind(stream)
  const closed = new AbortController()
  stream.once('close', () => closed.abort())
  /** Undefined until the device is let in. */
  let ration: Ration | undefined
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

  /** Whether the ration allows reading; otherwise it is held until it does. Only now and then this takes a look at the clock. */
  const mayRead = (): boolean => {
    if (ration === undefined || (ration.packets.left > 0 && ration.bytes.left > 0)) return true
    const now = clock.now().getTime()
    const waitMs = Math.max(renew(ration.packets, now), renew(ration.bytes, now))
    if (waitMs > 0) void pause(waitMs)
    return waitMs === 0
  }

  const spend = ({ begun, length }: Stretch): void => {
    if (ration === undefined) connects -= begun
    else {
      ration.packets.left -= begun
      ration.bytes.left -= length
    }
  }

  stream.read = (size) => {
    if (holds > 0 || !mayRead()) return null
    const chunk: Buffer | null = read(size)
    if (chunk === null) return null
    const stretch = limitPackets(chunk, Math.min(ration?.packets.left ?? connects, packetsPerTurn))
    if (stretch === undefined) {
      stream.destroy()
      return null
    }
    spend(stretch)
    if (stretch.length === chunk.length) return chunk
    if (ration === undefined) admission = hold()
    else if (stretch.begun === packetsPerTurn) setImmediate(hold())
    // Not kept here: a stream that has data has not ended, whatever its device did after it had sent this.
    stream.unshift(chunk.subarray(stretch.length))
    return stretch.length === 0 ? null : chunk.subarray(0, stretch.length)
  }

  const intake: Intake = {
    admit(granted) {
      ration = granted
      admission?.()
      admitted()
    },
    hold,
    charge(packets) {
      if (ration === undefined) return
      ration.packets.left -= packets
      // A debt is paid from when it is made, not from when the device sends something again.
      renew(ration.packets, clock.now().getTime())
    },
  }
  intakes.set(stream, intake)
  return intake
}
