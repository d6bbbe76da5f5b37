import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { JsonObject } from '../json/json.ts'
import type { Answering } from './behaviour.ts'
import type { ConnectOptions } from './connect-fleet.ts'
import { createFleet, type Fleet, type FleetDescription, type FleetStats } from './fleet.ts'
import type { LedgerEntry } from './received-calls.ts'

/** A command to a fleet in a process of its own, one JSON object per line. `id` returns with the reply. */
export type FleetCommand = { readonly id: number } & (
  | { readonly command: 'connect'; readonly options: Omit<ConnectOptions, 'onProgress'> }
  | { readonly command: 'disconnect'; readonly deviceIds: readonly string[] }
  | { readonly command: 'drop'; readonly deviceIds?: readonly string[] }
  | { readonly command: 'answerWith'; readonly deviceId: string; readonly answering: Answering }
  | { readonly command: 'report'; readonly deviceId: string; readonly patch: JsonObject }
  | { readonly command: 'stats' }
  | { readonly command: 'ledger' }
  | { readonly command: 'close' }
)

/** A message from that process. A ledger comes in parts; the reply to the command follows the last. */
export type FleetMessage =
  | { readonly id: number; readonly result: FleetProcessStats | null }
  | { readonly id: number; readonly error: { readonly name: string; readonly message: string } }
  | { readonly event: 'progress'; readonly connected: number; readonly expected: number }
  | { readonly event: 'ledger'; readonly entries: readonly LedgerEntry[] }
  | { readonly event: 'error'; readonly name: string; readonly message: string }

/** A fleet's counters with the figures of its process: CPU time so far in microseconds, resident memory in bytes. */
export type FleetProcessStats = FleetStats & {
  readonly cpuMicros: { readonly user: number; readonly system: number }
  readonly residentBytes: number
}

const ledgerPart = 1_000

/**
 * Runs a fleet for another process. Each line of `input` is a FleetCommand, except that the first is the
 * FleetDescription unless that is given; `print` gets one line at a time. Returns when the input ends, which also
 * happens when the other process dies, after it has closed the fleet.
 */
export const serveFleet = async (
  input: Readable,
  print: (line: string) => void,
  description?: FleetDescription,
): Promise<void> => {
  const say = (message: FleetMessage): void => print(JSON.stringify(message))
  const start = (description: FleetDescription): Fleet =>
    createFleet(description, { onError: ({ name, message }) => say({ event: 'error', name, message }) })
  let fleet = description && start(description)
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.trim() === '') continue
    if (fleet === undefined) {
      fleet = start(JSON.parse(line))
      continue
    }
    const command: FleetCommand = JSON.parse(line)
    // Not awaited: a drop must not wait for a connect.
    obey(fleet, command, say).then(
      (result) => say({ id: command.id, result: result ?? null }),
      ({ name, message }: Error) => say({ id: command.id, error: { name, message } }),
    )
  }
  await fleet?.close()
}

const obey = async (
  fleet: Fleet,
  command: FleetCommand,
  say: (message: FleetMessage) => void,
): Promise<FleetProcessStats | undefined> => {
  switch (command.command) {
    case 'connect':
      await fleet.connect({
        ...command.options,
        onProgress(connected, expected) {
          // A hundred lines per fleet, not one per device.
          if (connected % Math.ceil(expected / 100) === 0 || connected === expected) {
            say({ event: 'progress', connected, expected })
          }
        },
      })
      return
    case 'disconnect':
      await fleet.disconnect(command.deviceIds)
      return
    case 'drop':
      fleet.drop(command.deviceIds)
      return
    case 'answerWith':
      fleet.answerWith(command.deviceId, command.answering)
      return
    case 'report':
      await fleet.report(command.deviceId, command.patch)
      return
    case 'stats':
      return { ...fleet.stats(), cpuMicros: process.cpuUsage(), residentBytes: process.memoryUsage.rss() }
    case 'ledger': {
      const { entries } = fleet.ledger
      for (let from = 0; from < entries.length; from += ledgerPart) {
        say({ event: 'ledger', entries: entries.slice(from, from + ledgerPart) })
      }
      return
    }
    case 'close':
      await fleet.close()
      return
    default:
      throw new RangeError(`Unknown command ${JSON.stringify(command)}.`)
  }
}
