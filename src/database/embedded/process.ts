import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { systemClock } from '../../clock.ts'
import type { Log } from '../../log/log.ts'
import type { PostgresPrograms } from './binaries.ts'
import { clusterIn, type PostgresHome } from './home.ts'
import { EmbeddedDatabaseError, postgresEnv } from './user.ts'

/** Seconds that a fast shutdown may take before an immediate one, which costs a recovery at the next start. */
const fastSeconds = 15

/**
 * PostgreSQL's parent: a shell that ends it when the hub closes their pipe or dies, even by SIGKILL, because the kernel
 * then closes the pipe. It runs in its own session and ignores all signals but SIGKILL: Ctrl-C goes to all programs of
 * the terminal, and the hub has to flush before its database stops. The first of its two processes waits for
 * PostgreSQL, to end with its exit code; the second waits for the pipe. Either may be killed without the other failing.
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
  // Users of this machine without a password must not take connections from those with one.
  authentication_timeout: '10s',
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  wal_compression: 'on',
  jit: 'off',
  // Statement text may hold secrets. The kind of process that writes a line decides its log level: see `report`.
  log_min_error_statement: 'panic',
  log_line_prefix: '%b|',
  log_checkpoints: 'off',
} as const

/** A PostgreSQL that accepts connections. */
export type PostgresProcess = {
  /** Resolves when it has ended, for whatever reason. */
  readonly ended: Promise<void>
  /** Ends it: a fast shutdown, then an immediate one when that takes too long. */
  stop(): Promise<void>
}

/** PostgreSQL did not start; `output` is its own message. */
export class PostgresStartError extends EmbeddedDatabaseError {
  readonly output: string
  constructor(output: string) {
    super(`The embedded PostgreSQL did not start:\n${output}`)
    this.output = output
  }
}

/**
 * Starts PostgreSQL and resolves once it is ready, which after a crash may take as long as its recovery. Rejects with a
 * PostgresStartError when it ends before that. `stalePid` is a process id in postmaster.pid that is known not to be a
 * PostgreSQL. `settings` override ours.
 */
export async function runPostgres(
  { home, user }: PostgresHome,
  programs: PostgresPrograms,
  run: { port: number; stalePid: number | undefined; settings: Readonly<Record<string, string>>; log: Log },
): Promise<PostgresProcess> {
  const settings = Object.entries({ ...serverSettings, port: String(run.port), ...run.settings })
  const args = ['-D', clusterIn(home), ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])]
  // PostgreSQL takes a live process of its own user for the owner of postmaster.pid, unless it is the one that this
  // variable (meant for pg_ctl) calls its grandparent. Removing the file instead would also remove its record of the
  // shared memory that processes of a killed PostgreSQL may still be using.
  const env = run.stalePid === undefined ? postgresEnv : { ...postgresEnv, PG_GRANDPARENT_PID: String(run.stalePid) }
  const guard = spawn('/bin/sh', ['-c', guardScript, 'twincast-postgres-guard', programs.postgres, ...args], {
    ...user,
    cwd: '/',
    detached: true,
    env,
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  guard.stdin.on('error', () => {}) // the guard is gone: `ended` reports it
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
  // Its last output may still be on its way. The system clock: this waits for another process.
  await Promise.race([once(lines, 'close'), systemClock.sleep(1_000)])
  throw new PostgresStartError(said.map((line) => line.replace(/^[^|]*\|/, '')).join('\n'))
}

/**
 * Converts a log line of PostgreSQL to one of ours. A client receives the errors of its own connection, so these are
 * logged for debugging only; warnings of other processes are reported nowhere else.
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
