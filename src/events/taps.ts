import { createHash } from 'node:crypto'
import { type Bus, parsed } from '../bus/bus.ts'
import type { Clock } from '../clock.ts'
import { membersOf } from '../json/json.ts'
import type { Events } from './events.ts'
import type { TelemetryMessage } from './topics.ts'

/** Milliseconds after which an instance repeats which devices its clients follow. */
const announceInterval = 5_000
/** Milliseconds after which an instance that has not repeated it counts as gone. */
const patience = 3 * announceInterval
/** Ids of devices in one message. */
const maxIds = 1_000
/** Bytes of telemetry in one message, unless a single message of a device has more: a megabyte in Base64 would be lost. */
const maxBytes = 256 * 1024

/** Carries telemetry to the instances whose clients follow it. Instances that are alone neither send nor keep anything. */
export type Taps = {
  /** Whether a client of another instance follows the telemetry of the device. */
  isOpenElsewhere(deviceId: string): boolean
  /** Sends messages of a device that is connected here to the instances whose clients follow it. */
  pass(deviceId: string, messages: readonly TelemetryMessage[]): void
  close(): void
}

/** Those who follow announce themselves here. */
const subject = 'taps'
/** Device ids are longer than a subject may be, and have other characters. */
const subjectOf = (deviceId: string): string =>
  `tap.${createHash('sha256').update(deviceId).digest('hex').slice(0, 32)}`

export function createTaps({ bus, clock, events }: { bus: Bus; clock: Clock; events: Events }): Taps {
  /** Devices that clients of other instances follow, and until when they count. */
  const elsewhere = new Map<string, number>()
  /** Devices that clients of this instance follow, and how to stop receiving their messages. */
  const here = new Map<string, () => void>()
  const closing = new AbortController()
  let isAnnouncing = false

  const announce = (deviceIds: readonly string[]): void => {
    for (let from = 0; from < deviceIds.length; from += maxIds) {
      bus.publish(subject, JSON.stringify(deviceIds.slice(from, from + maxIds)))
    }
  }
  const keepAnnouncing = async (): Promise<void> => {
    isAnnouncing = true
    while (here.size > 0 && !closing.signal.aborted) {
      await clock.sleep(announceInterval, closing.signal)
      announce([...here.keys()])
    }
    isAnnouncing = false
  }
  const stopWatching = events.watchListeners('telemetry', (deviceId, isFollowed) => {
    if (!isFollowed) {
      here.get(deviceId)?.()
      here.delete(deviceId)
      return
    }
    const receive = (text: string): void => {
      const messages = readMessages(deviceId, text)
      if (messages.length > 0) events.publish('telemetry', deviceId, messages)
    }
    here.set(deviceId, bus.subscribe(subjectOf(deviceId), receive))
    announce([deviceId])
    if (!isAnnouncing) void keepAnnouncing()
  })

  const forgetOld = (now: number): void => {
    for (const [deviceId, until] of elsewhere) if (until <= now) elsewhere.delete(deviceId)
  }
  const stopHearing = bus.subscribe(subject, (text) => {
    const now = clock.elapsed()
    forgetOld(now)
    for (const deviceId of readIds(text)) elsewhere.set(deviceId, now + patience)
  })
  return {
    isOpenElsewhere: (deviceId) => elsewhere.size > 0 && (elsewhere.get(deviceId) ?? 0) > clock.elapsed(),
    pass(deviceId, messages) {
      for (const part of partsOf(messages)) {
        bus.publish(subjectOf(deviceId), JSON.stringify(part.map(printMessage)))
      }
    },
    close() {
      closing.abort()
      stopWatching()
      stopHearing()
      for (const stop of here.values()) stop()
    },
  }
}

function partsOf(messages: readonly TelemetryMessage[]): TelemetryMessage[][] {
  const parts: TelemetryMessage[][] = []
  let room = 0
  for (const message of messages) {
    const part = parts.at(-1)
    if (part !== undefined && message.size <= room) part.push(message)
    else {
      parts.push([message])
      room = maxBytes
    }
    room -= message.size
  }
  return parts
}

const printMessage = ({ enqueuedTime, properties, payload, size }: TelemetryMessage) => ({
  time: enqueuedTime.getTime(),
  properties,
  payload: Buffer.from(payload).toString('base64'),
  size,
})

const readIds = (text: string): string[] => {
  const value = parsed(text)
  return Array.isArray(value) && value.length <= maxIds ? value.filter((id) => typeof id === 'string') : []
}

/** Every user of the database can send a message: what is not telemetry is left out. */
function readMessages(deviceId: string, text: string): TelemetryMessage[] {
  const value = parsed(text)
  return Array.isArray(value) ? value.flatMap((message) => readMessage(deviceId, message) ?? []) : []
}

function readMessage(deviceId: string, value: unknown): TelemetryMessage | undefined {
  const { time, properties, payload, size } = membersOf(value)
  if (typeof time !== 'number' || typeof payload !== 'string' || typeof size !== 'number') return undefined
  const texts = Object.entries(membersOf(properties)).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  return {
    deviceId,
    enqueuedTime: new Date(Number(time)),
    properties: Object.fromEntries(texts),
    payload: Buffer.from(payload, 'base64'),
    size,
  }
}
