import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqltag as sql } from '@prisma/client/runtime/client'
import { pino } from 'pino'
import { createAttachedDevices } from '../src/attached-devices.ts'
import { createBus } from '../src/bus/bus.ts'
import { systemClock } from '../src/clock.ts'
import { openDataFolder } from '../src/data-folder.ts'
import { createDb, type Db } from '../src/database/client.ts'
import { startEmbeddedPostgres } from '../src/database/embedded/server.ts'
import { takeLeaseForGood } from '../src/database/instance-lease.ts'
import { migrate } from '../src/database/migrate.ts'
import { serversOf } from '../src/database/servers.ts'
import type { Deps } from '../src/deps.ts'
import { createEvents } from '../src/events/events.ts'
import { createTaps } from '../src/events/taps.ts'
import { createAnswerRoom } from '../src/limits/answer-room.ts'
import { defaultLimits } from '../src/limits/limits.ts'
import { createLongTurns } from '../src/limits/long-turns.ts'
import { createRequestRoom } from '../src/limits/request-room.ts'
import { throttlingOf } from '../src/throttle/presets.ts'
import { createThrottles } from '../src/throttle/throttles.ts'
import { createTwinThread } from '../src/twin-thread/twin-thread.ts'
import { createClosers } from './closers.ts'
import type { Meter } from './measure.ts'
import { familyCpu, readStat } from './processes.ts'

/** The parts of a hub in this process, on an embedded PostgreSQL of its own as a hub has it: with fsync on. */
export type BenchHub = {
  readonly deps: Deps
  readonly meters: { readonly hub: Meter; readonly database: Meter }
  readonly databaseUrl: string
  /** A folder that goes with the hub. */
  readonly folder: string
  /** Leaves nothing behind, also when statements are still running. */
  close(): Promise<void>
}

/** From now on, this process only looks on: it does not count as an instance of the hub that other processes run. */
export async function leaveHub({ db }: Pick<Deps, 'db'>): Promise<void> {
  await db.query(sql`delete from instance`)
}

export async function openHub(): Promise<BenchHub> {
  const path = await mkdtemp(join(tmpdir(), 'twincast-bench-'))
  const closers = createClosers()
  closers.add(() => rm(path, { recursive: true, force: true }))
  try {
    const log = pino({ level: 'warn' }, pino.destination({ dest: 2, sync: true }))
    const folder = await openDataFolder(path)
    closers.add(() => folder.release())
    const postgres = await startEmbeddedPostgres({ folder, log })
    closers.add(() => postgres.stop())
    await migrate(postgres.url, log)
    const db = createDb(serversOf(postgres.url), { limits: defaultLimits, log })
    closers.add(() => db.close())
    const twinThread = createTwinThread()
    closers.add(() => twinThread.close())
    const postmaster = await findPostmaster(db)
    const [bus, events] = [createBus(systemClock), createEvents(systemClock)]
    const longTurns = createLongTurns(systemClock, defaultLimits)
    return {
      deps: {
        db,
        lease: await takeLeaseForGood(db),
        clock: systemClock,
        log,
        events,
        bus,
        taps: createTaps({ bus, clock: systemClock, events }),
        attached: createAttachedDevices(),
        throttles: createThrottles(systemClock, throttlingOf('protect', 1)),
        requestRoom: createRequestRoom(defaultLimits),
        answerRoom: createAnswerRoom({ clock: systemClock, limits: defaultLimits, longTurns }),
        longTurns,
        twinThread,
        limits: defaultLimits,
        allowPrivateWebhooks: false,
      },
      meters: {
        hub: () => {
          const { user, system } = process.cpuUsage()
          return user + system
        },
        database: () => familyCpu(postmaster),
      },
      databaseUrl: postgres.url,
      folder: folder.path,
      close: closers.close,
    }
  } catch (error) {
    await closers.close()
    throw error
  }
}

/** The parent of all of PostgreSQL's processes; 0 where there is no /proc. */
async function findPostmaster(db: Db): Promise<number> {
  const [row] = await db.query<{ pid: number }>(sql`select pg_backend_pid() as pid`)
  return (await readStat(row?.pid ?? 0))?.parent ?? 0
}
