import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { logLine } from './log-line.ts'

/** Says that the hub has to start again; what is asked while nobody waits is forgotten. */
export type Restarts = {
  ask(reason: string): void
  next(): Promise<string>
}

export function createRestarts(): Restarts {
  let answer = (_reason: string): void => {}
  return {
    ask: (reason) => answer(reason),
    next: () =>
      new Promise((resolve) => {
        answer = resolve
      }),
  }
}

type Options = {
  readonly root: string
  readonly env: NodeJS.ProcessEnv
  readonly restarts: Restarts
  readonly stop: AbortSignal
  readonly hurry: AbortSignal
  readonly say: (text: string) => void
  readonly onFirstReady: () => void
}

/**
 * Runs `twincast start` in a process of its own, and again after each restart, until `stop`. A hub that ends by itself waits for
 * the next change, unless it was never ready: then nothing was running that could be worked on. Rejects with that.
 */
export async function runHub({ root, env, restarts, stop, hurry, say, onFirstReady }: Options): Promise<void> {
  const stopped = once(stop, 'abort')
  let wasReady = false
  while (!stop.aborted) {
    const change = restarts.next()
    const hub = spawn(process.execPath, ['--import', 'tsx', 'src/cli/twincast.ts', 'start'], {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(hub, 'close')
    createInterface({ input: hub.stdout }).on('line', (line) => {
      const { text, isReady } = logLine(line)
      say(text)
      if (!isReady || wasReady) return
      wasReady = true
      onFirstReady()
    })
    const end = (): void => void hub.kill('SIGTERM')
    hurry.addEventListener('abort', end)
    const first = await Promise.race([change, exited, stopped])
    if (hub.exitCode === null && hub.signalCode === null) {
      if (typeof first === 'string') say(`${first} changed: restarting the hub`)
      end()
      await exited
    } else if (!wasReady) throw new Error('The hub did not start.')
    else {
      say('The hub has ended. It restarts after the next change.')
      await Promise.race([change, stopped])
    }
    hurry.removeEventListener('abort', end)
  }
}
