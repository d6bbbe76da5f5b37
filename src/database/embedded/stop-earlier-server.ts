import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { systemClock } from '../../clock.ts'
import type { Log } from '../../log/log.ts'
import { EmbeddedDatabaseError } from './user.ts'

const pollMs = 100
const immediateAfterMs = 15_000
const giveUpAfterMs = 30_000

/**
 * Ends the PostgreSQL of an earlier run that still holds the cluster: its hub was killed a moment ago and its guard is
 * at work, or its guard was killed as well. Resolves with the process id that is left in postmaster.pid and belongs to
 * no process, or to another program. Only for the holder of the data folder and of the
 * home of its database, so that the PostgreSQL in it must be ours.
 */
export async function stopEarlierServer(cluster: string, log: Pick<Log, 'info'>): Promise<number | undefined> {
  const pid = Number.parseInt(await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => ''), 10)
  if (!(pid > 1)) return undefined
  // The system clock: this waits for another process.
  for (let waited = 0; isPostgresOf(pid, cluster); waited += pollMs) {
    if (waited === 0) {
      log.info({ pid }, 'waiting for the PostgreSQL process of an earlier run to end')
      end(pid, 'SIGINT')
    }
    if (waited === immediateAfterMs) end(pid, 'SIGQUIT')
    if (waited === giveUpAfterMs) {
      throw new EmbeddedDatabaseError(
        `The PostgreSQL process ${pid} of an earlier run does not end. Kill it, then start the hub again.`,
      )
    }
    await systemClock.sleep(pollMs)
  }
  return pid
}

/** Decided by the command line, so that a process that got the id of an ended PostgreSQL is left alone. */
function isPostgresOf(pid: number, cluster: string): boolean {
  try {
    if (process.platform === 'linux') {
      const [program = '', ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      return basename(program) === 'postgres' && args.includes(cluster)
    }
    const command = execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' })
    return command.includes(`postgres -D ${cluster} `)
  } catch {
    return false // no such process
  }
}

function end(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has just ended, which the next check finds out.
  }
}
