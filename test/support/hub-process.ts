import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import { type OpenAddresses, openAddresses } from './addresses.ts'
import { quickTwincast } from './twincast.ts'

/** The compiled program in a process of its own, which can be killed. */
export type HubProcess = {
  readonly addresses: OpenAddresses
  /** What it logged so far, a line an entry. */
  readonly lines: readonly string[]
  /** Resolves when it has logged an entry with this message. Rejects when it ends without. */
  logged(message: string): Promise<void>
  send(signal: NodeJS.Signals): void
  /** Its exit code, when it has ended; null when a signal ended it. */
  readonly ended: Promise<number | null>
  /** Ends it at once, as a power cut would. */
  kill(): Promise<void>
  /** Lets it stand still, as a machine does that is suspended, until `thaw`. */
  freeze(): void
  thaw(): void
  /** Ends it as an operator would; answers its exit code. */
  stop(): Promise<number | null>
}

/**
 * Starts the hub with these variables and no others of ours. Rejects with what it said when it does not get ready.
 * `signal` ends it like `kill`. `openFiles`: how many files and connections it may have open.
 */
export async function startHubProcess(
  variables: Readonly<Record<string, string>>,
  { signal, openFiles }: { readonly signal?: AbortSignal; readonly openFiles?: number } = {},
): Promise<HubProcess> {
  const { PATH } = process.env
  const program = [process.execPath, quickTwincast, 'start']
  // The shell lowers the hard limit too: Node raises the other one to it.
  const limited = ['sh', '-c', `ulimit -n ${openFiles} && exec "$0" "$@"`, ...program]
  const [command = '', ...args] = openFiles === undefined ? program : limited
  const child = spawn(command, args, {
    // Nobody balances here, unless a test says so.
    env: { PATH, LOG_LEVEL: 'info', METRICS_PORT: '0', DRAIN_NOTICE_SECONDS: '0', ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  let isClosed = false
  const arrivals = new EventEmitter().setMaxListeners(0)
  const ended = once(child, 'exit').then(() => child.exitCode)
  signal?.addEventListener('abort', () => child.kill('SIGKILL'), { once: true })
  const end = (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal)
    return ended
  }
  const ready = new Promise<OpenAddresses>((found, failed) => {
    const read = (line: string): void => {
      lines.push(line)
      arrivals.emit('change')
      if (line.includes('"msg":"ready"')) found(openAddresses(JSON.parse(line)))
    }
    createInterface({ input: child.stdout }).on('line', read)
    createInterface({ input: child.stderr }).on('line', read)
    // When all that it said has been read, which may be after its exit.
    child.once('close', () => {
      isClosed = true
      arrivals.emit('change')
      failed(new Error(`The hub ended before it was ready:\n${lines.join('\n')}`))
    })
  })
  const hasLogged = (message: string): boolean =>
    lines.some((line) => line.includes(`"msg":${JSON.stringify(message)}`))
  return {
    addresses: await ready,
    lines,
    async logged(message) {
      while (!hasLogged(message)) {
        if (isClosed) throw new Error(`The hub ended and did not log "${message}":\n${lines.join('\n')}`)
        await once(arrivals, 'change')
      }
    },
    send: (signal) => void child.kill(signal),
    ended,
    kill: async () => {
      await end('SIGKILL')
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    stop: () => end('SIGTERM'),
  }
}
