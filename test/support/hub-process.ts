import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Addresses } from '../../src/app.ts'

const main = resolve(import.meta.dirname, '../../dist/main.js')

/** The compiled program in a process of its own, which can be killed. */
export type HubProcess = {
  readonly addresses: Addresses
  /** What it logged so far, a line an entry. */
  readonly lines: readonly string[]
  /** Ends it at once, as a power cut would. */
  kill(): Promise<void>
  /** Lets it stand still, as a machine does that is suspended, until `thaw`. */
  freeze(): void
  thaw(): void
  /** Ends it as an operator would; answers its exit code. */
  stop(): Promise<number | null>
}

/** Starts the hub with these variables and no others of ours. Rejects with what it said when it does not get ready. */
export async function startHubProcess(variables: Readonly<Record<string, string>>): Promise<HubProcess> {
  const { PATH } = process.env
  const child = spawn(process.execPath, [main], {
    env: { PATH, LOG_LEVEL: 'info', ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  const exited = once(child, 'exit')
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal)
    await exited
    return child.exitCode
  }
  const ready = new Promise<Addresses>((found, failed) => {
    const read = (line: string): void => {
      lines.push(line)
      if (line.includes('"msg":"ready"')) found(JSON.parse(line))
    }
    createInterface({ input: child.stdout }).on('line', read)
    createInterface({ input: child.stderr }).on('line', read)
    // When all that it said has been read, which may be after its exit.
    child.once('close', () => failed(new Error(`The hub ended before it was ready:\n${lines.join('\n')}`)))
  })
  return {
    addresses: await ready,
    lines,
    kill: async () => {
      await end('SIGKILL')
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    stop: () => end('SIGTERM'),
  }
}
