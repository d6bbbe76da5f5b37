import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { systemClock } from '../src/clock.ts'
import { openDataFolder } from '../src/data-folder.ts'
import { createDb, type Db } from '../src/database/client.ts'
import { startEmbeddedPostgres } from '../src/database/embedded.ts'
import { migrate } from '../src/database/migrate.ts'
import type { Deps } from '../src/deps.ts'
import { createEvents } from '../src/events.ts'
import { createSessions } from '../src/sessions.ts'

/** What the hub's parts need, on an embedded PostgreSQL of its own with fsync on. */
export type Bench = {
  readonly deps: Deps
  /** CPU microseconds that PostgreSQL has used so far: all its processes, also those that ended while we watched. */
  databaseCpu(): Promise<number>
  close(): Promise<void>
}

export async function createBench(): Promise<Bench> {
  const path = await mkdtemp(join(tmpdir(), 'twincast-bench-'))
  const log = pino({ level: 'warn' }, pino.destination({ dest: 2, sync: true }))
  const folder = await openDataFolder(path)
  const postgres = await startEmbeddedPostgres({ folder, log })
  await migrate(postgres.url, log)
  const db = createDb(postgres.url, (error) => log.warn({ err: error }, 'a connection broke'))
  const clock = systemClock
  return {
    deps: { db, clock, log, events: createEvents(clock), sessions: createSessions() },
    databaseCpu: () => databaseCpu(db),
    async close() {
      await db.close()
      await postgres.stop()
      await folder.release()
      await rm(path, { recursive: true, force: true })
    },
  }
}

const TICK_MICROS = 10_000

/** From /proc: the postmaster, its children, and its children that have ended. */
async function databaseCpu(db: Db): Promise<number> {
  const [row] = await db.prisma.$queryRaw<{ pid: number }[]>`select pg_backend_pid() as pid`
  const postmaster = (await statOf(row?.pid ?? 0))?.parent
  if (postmaster === undefined) return Number.NaN
  const stats = await Promise.all(
    (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map((pid) => statOf(Number(pid))),
  )
  return stats.reduce((sum, stat) => {
    if (stat === undefined) return sum
    if (stat.pid === postmaster) return sum + stat.own + stat.ended
    return stat.parent === postmaster ? sum + stat.own : sum
  }, 0)
}

async function statOf(pid: number) {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8')
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
    const [, parent = 0] = fields
    const [utime = 0, stime = 0, childUser = 0, childSystem = 0] = fields.slice(11, 15)
    return { pid, parent, own: (utime + stime) * TICK_MICROS, ended: (childUser + childSystem) * TICK_MICROS }
  } catch {
    return undefined
  }
}
