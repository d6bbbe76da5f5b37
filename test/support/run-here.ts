import { vi } from 'vitest'
import { createProgram } from '../../src/cli/program.ts'
import { exitCodeOf } from '../../src/cli/run-command.ts'

/** How a command ended, and what it wrote. */
type Ended = { readonly status: number; readonly stdout: string; readonly stderr: string }

const outputs = ['stdout', 'stderr'] as const
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Runs a command of `twincast` to its end in this process. A process for each command would take ten times the processor time.
 * Only for files with a process of their own, and one command at a time: meanwhile, the variables of the command are those of
 * the process, and everything that the process writes counts as the command's.
 */
export async function runHere(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const written = { stdout: '', stderr: '' }
  const restores = outputs.map((name) => {
    const write = vi.spyOn(process[name], 'write').mockImplementation((part) => {
      written[name] += typeof part === 'string' ? part : Buffer.from(part).toString()
      return true
    })
    return () => write.mockRestore()
  })
  // Commands listen to them for as long as their process lives.
  for (const name of outputs) process[name].setMaxListeners(0)
  const leave = leaveListeners()
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  try {
    const status = await exitCodeOf(createProgram(), args, {
      out: (text) => void process.stdout.write(text),
      error: (text) => void process.stderr.write(text),
    })
    leave(status)
    return { status, ...written }
  } finally {
    vi.unstubAllEnvs()
    for (const restore of restores) restore()
  }
}

/** Notes the listeners of the process. The function removes those that were added since, and calls those of its exit. */
function leaveListeners(): (code: number) => void {
  const exits = process.listeners('exit')
  const ofSignals = signals.map((signal) => process.listeners(signal))
  return (code) => {
    for (const listener of process.listeners('exit')) {
      if (exits.includes(listener)) continue
      process.off('exit', listener)
      listener(code)
    }
    for (const [index, signal] of signals.entries()) {
      for (const listener of process.listeners(signal)) {
        if (!ofSignals[index]?.includes(listener)) process.off(signal, listener)
      }
    }
  }
}
