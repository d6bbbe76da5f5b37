import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { abortable } from '../src/cli/abortable.ts'
import { createClosers } from './closers.ts'
import type { Meter } from './measure.ts'
import { familyCpu } from './processes.ts'

/** A GraphQL server in a process of its own. */
export type Answering = {
  readonly port: number
  readonly cpu: Meter
  close(): Promise<void>
}

/** A program that sends its port to its parent when it listens, and ends when the parent disconnects. */
export const startPeer =
  (file: string) =>
  async (databaseUrl: string, signal: AbortSignal): Promise<Answering> => {
    // Started as this one was, so with the same compiler and the same flags.
    const child = fork(fileURLToPath(new URL(file, import.meta.url)), {
      env: { PATH: process.env.PATH, DATABASE_URL: databaseUrl, NODE_ENV: 'production' },
    })
    const ended = once(child, 'exit')
    const close = async (): Promise<void> => {
      if (child.connected) child.disconnect()
      await ended
    }
    try {
      const [port]: unknown[] = await abortable(Promise.race([once(child, 'message'), ended.then(() => [])]), signal)
      if (typeof port !== 'number') throw new Error(`${file} ended before it listened.`)
      return { port, cpu: () => familyCpu(child.pid ?? 0), close }
    } catch (error) {
      await close()
      throw error
    }
  }

/** The hub as `npm start` runs it, without throttles. */
export async function startHub(
  databaseUrl: string,
  signal: AbortSignal,
  env: Readonly<Record<string, string>> = {},
): Promise<
  Answering & {
    /** 0 for an instance that is no gateway. */
    readonly mqttPort: number
    /** The same with TLS. */
    readonly mqttsPort: number
    /** Where its metrics are; undefined when they are off. */
    readonly metrics: string | undefined
    /** Its resident memory after a garbage collection. */
    residentBytes(): Promise<number>
    /** Ends it as an operator would. */
    stop(): Promise<void>
    /** Ends it at once, as a power cut would. */
    kill(): Promise<void>
  }
> {
  const folder = await mkdtemp(join(tmpdir(), 'twincast-bench-'))
  const closers = createClosers()
  closers.add(() => rm(folder, { recursive: true, force: true }))
  const child = fork(fileURLToPath(new URL('../dist/cli/twincast.js', import.meta.url)), ['start'], {
    execArgv: [
      '--max-semi-space-size=32',
      '--initial-old-space-size=256',
      '--expose-gc',
      // So that it ends when this process has ended, in whichever way, and tells its memory when it is asked.
      '--import=data:text/javascript,process.on("disconnect",()=>process.exit()).on("message",()=>{gc();process.send(process.memoryUsage.rss())})',
    ],
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: databaseUrl,
      DATA_DIR: folder,
      THROTTLE: 'off',
      NODE_ENV: 'production',
      ...{ HTTP_PORT: '0', HTTPS_PORT: '0', MQTT_PORT: '0', MQTTS_PORT: '0', METRICS_PORT: '0' },
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit')
  closers.add(async () => {
    if (child.connected) child.disconnect()
    await ended
  })
  try {
    if (child.stdout === null) throw new Error('The output of the hub cannot be read.')
    const ports = await abortable(readPorts(child.stdout), signal)
    const residentBytes = async (): Promise<number> => {
      const answered = once(child, 'message')
      child.send('')
      const [bytes]: unknown[] = await abortable(Promise.race([answered, ended.then(() => [])]), signal)
      return Number(bytes ?? Number.NaN)
    }
    const end = async (how: NodeJS.Signals): Promise<void> => {
      child.kill(how)
      await ended
    }
    return {
      ...ports,
      cpu: () => familyCpu(child.pid ?? 0),
      residentBytes,
      stop: () => end('SIGTERM'),
      kill: () => end('SIGKILL'),
      close: closers.close,
    }
  } catch (error) {
    await closers.close()
    throw error
  }
}

/** From the line of the log that says that the hub is ready. */
async function readPorts(
  log: NodeJS.ReadableStream,
): Promise<{ port: number; mqttPort: number; mqttsPort: number; metrics: string | undefined }> {
  for await (const line of createInterface({ input: log })) {
    const ready: Readonly<Record<'msg' | 'http' | 'mqtt' | 'mqtts' | 'metrics', string | undefined>> = JSON.parse(line)
    const { msg, http, mqtt, mqtts, metrics } = ready
    if (msg !== 'ready' || http === undefined) continue
    // What else it logs is not read, and must not fill the pipe.
    log.resume()
    const portOf = (address: string | undefined): number => (address === undefined ? 0 : Number(new URL(address).port))
    return { port: portOf(http), mqttPort: portOf(mqtt), mqttsPort: portOf(mqtts), metrics }
  }
  throw new Error('The hub ended before it was ready.')
}
