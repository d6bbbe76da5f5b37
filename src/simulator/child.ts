import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { JsonObject } from '../json/json.ts'
import { codeFolder, moduleEnding } from '../program/folders.ts'
import type { Answering } from './behaviour.ts'
import type { ConnectOptions } from './connect-fleet.ts'
import { type Deferred, deferred } from './deferred.ts'
import type { FleetDescription } from './fleet.ts'
import type { FleetCommand, FleetMessage, FleetProcessStats } from './process-commands.ts'
import type { LedgerEntry } from './received-calls.ts'

/** A failure in the fleet's process; `reason` is the name of the error there, such as `ConnectRefusedError`. */
export class FleetProcessError extends Error {
  override readonly name = 'FleetProcessError'
  readonly reason: string
  constructor(reason: string, message: string) {
    super(message)
    this.reason = reason
  }
}

/**
 * A fleet in a process of its own, so that the CPU time of its devices is not the hub's. The same as Fleet, but remote.
 */
export type FleetProcess = {
  connect(options?: Omit<ConnectOptions, 'onProgress'>): Promise<void>
  disconnect(deviceIds: readonly string[]): Promise<void>
  drop(deviceIds?: readonly string[]): Promise<void>
  answerWith(deviceId: string, answering: Answering): Promise<void>
  report(deviceId: string, patch: JsonObject): Promise<void>
  stats(): Promise<FleetProcessStats>
  ledger(): Promise<LedgerEntry[]>
  /** Disconnects all devices and resolves when the process has ended. */
  close(): Promise<void>
}

/** Listeners of the parent process, and the file that the process runs. */
export type FleetProcessOptions = {
  onProgress?(connected: number, expected: number): void
  onError?(error: FleetProcessError): void
  /** The process's entry: `simulator/process.js`, or `process.ts` when running from source. */
  readonly entry?: string
}

type WithoutId<C> = C extends unknown ? Omit<C, 'id'> : never

/** Starts a process with a fleet. It ends with `close`, or by itself when this process ends. */
export const startFleetProcess = (description: FleetDescription, options: FleetProcessOptions = {}): FleetProcess => {
  const entry = options.entry ?? fileURLToPath(new URL(`simulator/process${moduleEnding}`, codeFolder))
  const child = spawn(process.execPath, [entry], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = deferred<void>()
  const waiting = new Map<number, Deferred<FleetProcessStats | null>>()
  const ledger: LedgerEntry[] = []
  let lastId = 0
  let exited = false

  const read = (message: FleetMessage): void => {
    if ('event' in message) {
      if (message.event === 'progress') options.onProgress?.(message.connected, message.expected)
      else if (message.event === 'ledger') ledger.push(...message.entries)
      else options.onError?.(new FleetProcessError(message.name, message.message))
      return
    }
    const waiter = waiting.get(message.id)
    waiting.delete(message.id)
    if ('error' in message) waiter?.reject(new FleetProcessError(message.error.name, message.error.message))
    else waiter?.resolve(message.result)
  }

  const ask = (command: WithoutId<FleetCommand>): Promise<FleetProcessStats | null> => {
    if (exited) return Promise.reject(new FleetProcessError('Exited', 'The fleet process has ended.'))
    const id = ++lastId
    const answer = deferred<FleetProcessStats | null>()
    waiting.set(id, answer)
    child.stdin.write(`${JSON.stringify({ id, ...command })}\n`)
    return answer.promise
  }

  const end = (how: string): void => {
    exited = true
    for (const waiter of waiting.values()) waiter.reject(new FleetProcessError('Exited', how))
    waiting.clear()
    ended.resolve()
  }
  child.on('error', (error) => end(`The fleet process could not be started: ${error.message}`))
  child.on('close', (code, signal) => end(`The fleet process has ended (${signal ?? code}).`))
  // A write to a process that has just ended; 'close' rejects the pending requests.
  child.stdin.on('error', () => {})
  createInterface({ input: child.stdout }).on('line', (line) => read(JSON.parse(line)))
  child.stdin.write(`${JSON.stringify(description)}\n`)

  return {
    connect: async (options = {}) => void (await ask({ command: 'connect', options })),
    disconnect: async (deviceIds) => void (await ask({ command: 'disconnect', deviceIds })),
    drop: async (deviceIds) => void (await ask({ command: 'drop', ...(deviceIds ? { deviceIds } : {}) })),
    answerWith: async (deviceId, answering) => void (await ask({ command: 'answerWith', deviceId, answering })),
    report: async (deviceId, patch) => void (await ask({ command: 'report', deviceId, patch })),
    async stats() {
      const stats = await ask({ command: 'stats' })
      if (stats === null) throw new FleetProcessError('NoStats', 'The fleet process did not return statistics.')
      return stats
    },
    async ledger() {
      await ask({ command: 'ledger' })
      return ledger.splice(0)
    },
    async close() {
      child.stdin.end()
      await ended.promise
    },
  }
}
