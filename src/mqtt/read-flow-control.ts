import type { Duplex } from 'node:stream'
import type { Deps } from '../deps.ts'
import { renew } from '../throttle/allowance.ts'
import type { Ration } from './device-rate-limits.ts'
import { createPacketLimit, type Stretch } from './packet-limit.ts'

/** Remaining lengths, in bytes. A CONNECT contains two ids and a token; IoT Hub's messages have at most 256 KB. */
export const packetLimits = { first: 16 * 1024, others: 256 * 1024 }

/** How much of one connection is read, and when. Unread data waits at the device, by TCP's flow control. */
export type Intake = {
  /** The device is admitted: data after its CONNECT may be read, as far as its ration allows. */
  admit(ration: Ration): void
  /** Pauses reading until the returned function is called. */
  hold(): () => void
  /** The current packet costs as much as `packets` others. */
  charge(packets: number): void
}

const intakes = new WeakMap<Duplex, Intake>()

/** The intake of a connection that has one. */
export function intakeOf(stream: Duplex): Intake {
  const intake = intakes.get(stream)
  if (intake === undefined) throw new Error('Another reader already reads this connection.')
  return intake
}

/** Packets that are read in one turn of the event loop, before other connections have their turn. */
const packetsPerTurn = 64

/**
 * Stands between a connection and the broker, which reads with `read` and has no limits of its own. Before a device is
 * admitted, only its CONNECT is read. After that, a device has a number of packets and bytes per second, and a burst of
 * twice as many. Above that, reading is delayed and nothing is lost. So neither pings nor unsolicited method answers
 * can keep the hub from other devices. `admitted` is called when the device is admitted.
 */
export function controlIntake(stream: Duplex, { clock }: Pick<Deps, 'clock'>, admitted: () => void = () => {}): Intake {
  const limitPackets = createPacketLimit(packetLimits)
  const read = stream.read.bind(stream)
  const closed = new AbortController()
  stream.once('close', () => closed.abort())
  /** Undefined until the device is admitted. */
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
      // The broker's last read returned nothing, and it does not read again by itself.
      if (holds === 0) stream.emit('readable')
    }
  }
  const pause = async (ms: number): Promise<void> => {
    const release = hold()
    await clock.sleep(ms, closed.signal)
    release()
  }

  /** Whether the ration allows reading; if not, reading pauses until it does. The clock is read only now and then. */
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
    // Not kept here: a stream with data has not ended, even if its device has disconnected after it sent this.
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
      // A debt is paid off from now on, not from the device's next packet.
      renew(ration.packets, clock.now().getTime())
    },
  }
  intakes.set(stream, intake)
  return intake
}
