import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { systemClock } from '../../clock.ts'
import type { Log } from '../../log/log.ts'
import type { PostgresPrograms } from './binaries.ts'
import { clusterIn, type PostgresHome } from './home.ts'
import { EmbeddedDatabaseError, postgresEnv } from './user.ts'

/** Seconds a fast shutdown may take before an immediate one, which costs a recovery at the next start. */
const fastSeconds = 15

/**
 * PostgreSQL's parent: a shell that ends it when the hub closes their pipe, or dies, be it by SIGKILL: the kernel closes
 * the pipe then. It runs in a session of its own and takes no signals but SIGKILL, because Ctrl-C goes to all programs of
 * the terminal, and the hub has to flush before its database goes. Of its two processes, the first waits for
 * PostgreSQL, to end with its code, and the second for the pipe; either may be killed without the other failing.
 */
const guardScript = `
trap '' HUP INT TERM
exec 3<&0 </dev/null
"$@" 3<&- &
postgres=$!
(
  while read -r _ <&3; do :; done
  kill -INT $postgres
  seconds=0
  while [ $seconds -lt ${fastSeconds} ]; do sleep 1; seconds=$((seconds + 1)); done
  kill -QUIT $postgres
) 2>/dev/null &
watcher=$!
exec 3<&-
wait $postgres
code=$?
kill -KILL $watcher
exit $code
`

const serverSettings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  // Whoever is on this machine without a password shall not keep connections from those who have one.
  authentication_timeout: '10s',
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  wal_compression: 'on',
  jit: 'off',
  // Text of statements may hold secrets. Who says a line tells how loud it is: see `report`.
  log_min_error_statement: 'panic',
  log_line_prefix: '%b|',
  log_checkpoints: 'off',
} as const

/** A PostgreSQL that accepts connections. */
export type PostgresProcess = {
  /** Resolves when it has ended, whoever ended it. */
  readonly ended: Promise<void>
  /** Ends it: fast, and when that takes too long at once. */
  stop(): Promise<void>
}

/** How PostgreSQL said no; `output` is its own words. */
export class PostgresStartError extends EmbeddedDatabaseError {
  readonly output: string
  constructor(output: string) {
    super(`The embedded PostgreSQL did not start:\n${output}`)
    this.output = output
  }
}

/**
 * Starts PostgreSQL and resolves once it is ready, which after a crash may take as long as its recovery; rejects with a
 * PostgresStartError when it ends before. `stalePid` is a process id in postmaster.pid that is known not to be a
 * PostgreSQL. `settings` come on top of ours.
 */
export async function runPostgres(
  { home, user }: PostgresHome,
  programs: PostgresPrograms,
  run: { port: number; stalePid: number | undefined; settings: Readonly<Record<string, string>>; log: Log },
): Promise<PostgresProcess> {
  const settings = Object.entries({ ...serverSettings, port: String(run.port), ...run.settings })
  const args = ['-D', clusterIn(home), ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])]
  // PostgreSQL believes a live process of its own user to be the owner of postmaster.pid, unless it is the one that this
  // variable (meant for pg_ctl) calls its grandparent. To remove the file instead would also remove its record of the
  // shared memory that processes of a killed PostgreSQL may still be using.
  const env = run.stalePid === undefined ? postgresEnv : { ...postgresEnv, PG_GRANDPARENT_PID: String(run.stalePid) }
  const guard = spawn('/bin/sh', ['-c', guardScript, 'twincast-postgres-guard', programs.postgres, ...args], {
    ...user,
    cwd: '/',
    detached: true,
    env,
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  guard.stdin.on('error', () => {}) // the guard is gone: `ended` tells
  const ended = once(guard, 'exit').then(() => guard.stdin.destroy())
  await ready(guard, ended, run.log)
  return {
    ended: ended.then(() => {}),
    async stop() {
      guard.stdin.end()
      await ended
    },
  }
}

async function ready(
  guard: ChildProcess,
  ended: Promise<unknown>,
  log: Pick<Log, 'debug' | 'info' | 'warn'>,
): Promise<void> {
  if (guard.stderr === null) return
  const lines = createInterface({ input: guard.stderr })
  const said: string[] = []
  let starting = true
  const isReady = new Promise<boolean>((resolve) => {
    lines.on('line', (line) => {
      report(log, line)
      if (starting) said.push(line)
      if (line.endsWith('database system is ready to accept connections')) resolve(true)
    })
  })
  const hasEnded = ended.then(() => false)
  const isUp = await Promise.race([isReady, hasEnded])
  if (isUp) {
    starting = false
    return
  }
  // Its last words may still be on their way. The real clock: this waits for another process.
  await Promise.race([once(lines, 'close'), systemClock.sleep(1_000)])
  throw new PostgresStartError(said.map((line) => line.replace(/^[^|]*\|/, '')).join('\n'))
}

/**
 * One line of PostgreSQL as one of ours. What goes wrong in a connection its client hears itself, so that is for
 * debugging only; a warning of any other process nobody else would hear.
 */
function report(log: Pick<Log, 'debug' | 'info' | 'warn'>, line: string): void {
  const [, who, severity, text] = /^([^|]*)\|([A-Z]+): {2}(.*)$/.exec(line) ?? []
  const level =
    severity === 'LOG' && /automatic recovery|elapsed time/.test(text ?? '')
      ? 'info'
      : severity === undefined || severity === 'LOG' || (who === 'client backend' && severity !== 'PANIC')
        ? 'debug'
        : 'warn'
  log[level]({ postgres: who }, text ?? line)
}
