import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { NatsSettings } from '../../src/nats-settings.ts'
import { findProgram } from './programs.ts'

/** Whether tests that need a NATS server are left out. */
export const isNatsMissing = findProgram('nats-server') === undefined

/** A real NATS server at a port of 127.0.0.1, which stays the same when it is stopped and started again. */
export type NatsServer = {
  readonly port: number
  /** What BUS_URL names it, without a user. */
  readonly url: string
  /** Of its process, which is another one after each start. */
  pid(): number
  stop(): Promise<void>
  start(): Promise<void>
  /** Lets it stand still, as a machine does that is suspended, until `thaw`. */
  freeze(): void
  thaw(): void
  close(): Promise<void>
}

/** Starts a server at a free port, with further lines of its configuration. */
export async function startNatsServer(configuration = ''): Promise<NatsServer> {
  const folder = await mkdtemp(join(tmpdir(), 'twincast-nats-'))
  const file = join(folder, 'nats.conf')
  await writeFile(file, configuration)
  const run = async (port: number) => {
    const args = ['-c', file, '-a', '127.0.0.1', '-p', String(port)]
    const child = spawn(findProgram('nats-server') ?? 'nats-server', args, { stdio: ['ignore', 'ignore', 'pipe'] })
    const said: string[] = []
    let found = 0
    for await (const line of createInterface({ input: child.stderr })) {
      said.push(line)
      found ||= Number(/Listening for client connections on .*:(\d+)$/.exec(line)?.[1] ?? 0)
      if (line.includes('Server is ready')) break
    }
    child.stderr.resume()
    if (found === 0) throw new Error(`The NATS server has ended:\n${said.join('\n')}`)
    return { child, port: found }
  }
  const first = await run(-1)
  let { child } = first
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  return {
    port: first.port,
    url: `nats://127.0.0.1:${first.port}`,
    pid: () => child.pid ?? 0,
    stop,
    async start() {
      const again = await run(first.port)
      child = again.child
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async close() {
      await stop()
      await rm(folder, { recursive: true })
    },
  }
}

/** How a hub reaches a server without a user. */
export const settingsOf = ({ port }: { readonly port: number }): NatsSettings => ({
  address: { servers: [`127.0.0.1:${port}`], isTls: false, login: undefined },
  credentialsPath: undefined,
  caPath: undefined,
})
