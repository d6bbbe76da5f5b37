import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** A script of a package.json that runs, and the lines that it has written. */
export type RunningScript = {
  readonly lines: readonly string[]
  /** Resolves with its exit code, and all that it has written. */
  readonly ended: Promise<{ readonly code: number; readonly said: string }>
  /** Does what Ctrl-C does in a terminal: all its processes get SIGINT. */
  interrupt(): void
}

const children = new Set<ChildProcess>()

/**
 * Runs a script of the package.json in a folder, with these variables and none of a test: GraphQL Code Generator hides
 * its errors from tests.
 */
export function startScript(
  folder: string,
  script: string,
  args: readonly string[] = [],
  variables: Readonly<Record<string, string>> = {},
): RunningScript {
  const { PATH, HOME } = process.env
  const child = spawn('npm', ['run', '--silent', script, '--', ...args], {
    cwd: folder,
    // A group of its own: npm, the shell that it starts, and the program.
    detached: true,
    env: { PATH, HOME, ...variables },
  })
  children.add(child)
  const lines: string[] = []
  let said = ''
  const collect = (chunk: unknown): void => {
    said += String(chunk)
    lines.splice(0, lines.length, ...said.split('\n'))
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const ended = once(child, 'close').then(([code]) => {
    children.delete(child)
    return { code: Number(code), said }
  })
  const interrupt = (): void => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT')
  }
  return { lines, ended, interrupt }
}

/** Ends the scripts that still run. */
export function killScripts(): void {
  for (const { pid } of children) if (pid !== undefined) process.kill(-pid)
}
