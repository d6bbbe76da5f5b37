import { randomBytes, randomInt } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCommand } from '@commander-js/extra-typings'
import { pino } from 'pino'
import { createClosers } from '../../bench/closers.ts'
import { wholeNumber } from '../../src/cli/options.ts'
import { runCommand } from '../../src/cli/run-command.ts'
import { listenForStop } from '../../src/cli/stop.ts'
import { openDataFolder } from '../../src/data-folder.ts'
import { startEmbeddedPostgres } from '../../src/database/embedded/server.ts'
import { administer, databaseUrl } from '../support/database-server.ts'
import { findProgram } from '../support/programs.ts'
import { runChaos } from './chaos.ts'
import { longPace } from './plan.ts'
import { printSummary } from './summary.ts'

const largestSeed = 2 ** 31 - 1

const command = createCommand('npm run test:chaos --')
  .description(
    `Disturbs a hub of six processes at random while jobs run, and checks that no call is lost or sent twice (docs/scaling.md).
Uses an embedded PostgreSQL, or a new database on the server of DATABASE_URL. Removes everything at the end. Exits with
status 1 if something was wrong.`,
  )
  .addOption(
    wholeNumber('--seed <N>', 'seed of the random choices, which is printed; random when omitted', {
      min: 0,
      max: largestSeed,
    }),
  )
  .addOption(wholeNumber('--minutes <M>', 'how long the hub is disturbed', { min: 1, max: 1_440 }).default(10))
  .addOption(wholeNumber('--devices <N>', 'number of simulated devices', { min: 10, max: 10_000 }).default(2_000))
  .addOption(
    wholeNumber('--nats [SERVERS]', 'runs the hub with NATS: one server, or a cluster of several', {
      min: 1,
      max: 5,
    }).preset('1'),
  )
  .action(run)

type Options = {
  readonly seed?: number
  readonly minutes: number
  readonly devices: number
  readonly nats?: number | true
}

await runCommand(command)

async function run(options: Options): Promise<void> {
  const { seed = randomInt(largestSeed), minutes, devices } = options
  const { signal } = listenForStop()
  const say = (line: string): void => void process.stderr.write(`${line}\n`)
  const natsServers = findProgram('nats-server') === undefined ? 0 : Number(options.nats ?? 0)
  const leftOut = [
    ...(findProgram('haproxy') === undefined ? ['HAProxy (a balancer of the tests takes its place)'] : []),
    ...(options.nats !== undefined && natsServers === 0 ? ['NATS'] : []),
  ]
  if (leftOut.length > 0) say(`Not installed, so left out: ${leftOut.join(' and ')}.`)
  say(`seed ${seed}`)
  const closers = createClosers()
  try {
    const { summary, logs } = await runChaos({
      databaseUrl: await openDatabase(closers.add),
      seed,
      seconds: minutes * 60,
      devices,
      natsServers,
      pace: longPace,
      signal,
      say,
    })
    process.stdout.write(`${printSummary(summary).join('\n')}\n`)
    if (logs === undefined) return
    throw new Error(`Something was wrong. The logs of the instances are in ${logs}.`)
  } catch (error) {
    // Whatever broke after Ctrl-C broke because of it.
    signal.throwIfAborted()
    throw error
  } finally {
    await closers.close()
  }
}

/** An empty database: a new one on the server of DATABASE_URL, or on an embedded server. */
async function openDatabase(whenDone: (close: () => Promise<void>) => void): Promise<string> {
  const given = process.env.DATABASE_URL
  if (given !== undefined && given !== '') {
    const name = `twincast_chaos_${randomBytes(6).toString('hex')}`
    await administer(given, `create database ${name}`)
    whenDone(async () => void (await administer(given, `drop database ${name} with (force)`)))
    return databaseUrl(given, name)
  }
  const path = await mkdtemp(join(tmpdir(), 'twincast-chaos-database-'))
  whenDone(() => rm(path, { recursive: true, force: true }))
  const folder = await openDataFolder(path)
  whenDone(() => folder.release())
  const log = pino({ level: 'warn' }, pino.destination({ dest: 2, sync: true }))
  // Nobody kills PostgreSQL here, so it need not survive that. Instances that are cut off leave connections behind.
  const server = await startEmbeddedPostgres({ folder, log, settings: { fsync: 'off', max_connections: '400' } })
  whenDone(() => server.stop())
  return server.url
}
