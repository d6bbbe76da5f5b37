import { setMaxListeners } from 'node:events'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { createClosers } from '../../bench/closers.ts'
import { abortable, pause } from '../../src/cli/abortable.ts'
import { createHubClient } from '../../src/cli/hub-client.ts'
import { startFleetProcess } from '../../src/simulator/child.ts'
import { registerFleet } from '../support/fleet.ts'
import { disturb } from './disturb.ts'
import { countOpenJobs, readDevices, readJobs } from './evidence.ts'
import { judge } from './judge.ts'
import { type Landscape, startLandscape } from './landscape.ts'
import { createLoad } from './load.ts'
import { type Pace, planDisturbances } from './plan.ts'
import { createRandom } from './random.ts'
import type { Summary } from './summary.ts'

export type ChaosOptions = {
  /** An empty database. */
  readonly databaseUrl: string
  readonly seed: number
  /** How long the hub is disturbed. */
  readonly seconds: number
  readonly devices: number
  /** NATS servers: none, one, or several as a cluster. */
  readonly natsServers: number
  readonly pace: Pace
  /** Variables of all instances. */
  readonly variables?: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  say(line: string): void
}

/** The result of a run; `logs` is the folder with the logs of the instances when something was wrong. */
export type ChaosResult = { readonly summary: Summary; readonly logs: string | undefined }

const fleetName = 'chaos'
/** Seconds in which a device has to answer a call. */
const responseTimeout = 10
/** Seconds within which everything has ended after the last disturbance. */
const settlingTime = 120
/** Devices that move per minute, and the seconds between two moves. */
const moving = { share: 0.2, seconds: 6 }

/**
 * Disturbs a hub of six processes while its devices move and its clients ask for jobs, then lets it come to rest, and compares
 * what it says with what the devices say. Rejects with the signal's reason when that aborts. Leaves nothing behind but logs.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { databaseUrl, seed, seconds, devices: count, natsServers, pace, signal, say } = options
  // Each instance that is started, and each pause, listens to it.
  setMaxListeners(0, signal)
  const closers = createClosers()
  let landscape: Landscape | undefined
  try {
    const plan = planDisturbances({ seed, seconds, hasNats: natsServers > 0, pace })
    say('starting three gateways, two apis and a worker')
    landscape = await startLandscape({
      databaseUrl,
      natsServers,
      variables: { METHOD_WINDOW: '200', DRAIN_NOTICE_SECONDS: '2', ...options.variables },
      signal,
    })
    closers.add(landscape.close)
    const { balancing, failures } = landscape
    const client = createHubClient({ url: `http://127.0.0.1:${balancing.requestPort}/graphql` })
    closers.add(async () => client.close())
    const faults: string[] = []
    const pool = new pg.Pool({ connectionString: databaseUrl, max: 4 })
    closers.add(() => pool.end())
    pool.on('error', (error) => faults.push(`a connection of the judge was lost: ${error.message}`))

    say(`registering and connecting ${count.toLocaleString('en')} devices`)
    const devices = await registerFleet(client, fleetName, count, (index) => ({
      kind: 'answer',
      payload: { index },
      delayMs: { min: 20, max: 400 },
    }))
    const fleet = startFleetProcess(
      {
        host: '127.0.0.1',
        port: balancing.devicePort,
        hubName: 'localhost',
        devices,
        reconnect: true,
        // A device notices within this time that its connection is dead.
        keepAliveSeconds: 10,
        // Long enough for a busy machine. Devices that give up and begin again would only add to its work.
        handshakeTimeoutMs: 20_000,
        readTwin: true,
        reportBack: ['round'],
      },
      {
        onError: (error) => faults.push(`a device failed: ${error.message}`),
        // Built, because a child process does not inherit the compiler this one runs with.
        entry: fileURLToPath(new URL('../../dist/simulator/process.js', import.meta.url)),
      },
    )
    closers.add(() => fleet.close())
    await abortable(fleet.connect({ timeoutMs: 120_000 }), signal)

    const load = createLoad({
      client,
      seed,
      fleet: fleetName,
      devices,
      openJobs: 6,
      responseTimeout,
      maxExecutionTime: Math.ceil(seconds) + 600,
      signal,
    })
    const stopLoad = new AbortController()
    const loading = load.run(stopLoad.signal)
    const random = createRandom(seed, 2)
    let moves = 0
    const move = async (): Promise<void> => {
      const each = Math.round((count * moving.share * moving.seconds) / 60)
      while (!stopLoad.signal.aborted) {
        const some = random.shuffle(devices).slice(0, each)
        await fleet.drop(some.map(({ deviceId }) => deviceId))
        moves += some.length
        await pause(moving.seconds * 1_000, stopLoad.signal).catch(() => {})
      }
    }
    const moved = move()
    for (const work of [loading, moved]) work.catch(() => {}) // awaited below
    say('disturbing:')
    const start = performance.now()
    const disturbed = disturb(landscape, plan, { signal, say })
    await Promise.all([disturbed, pause(seconds * 1_000, signal)])
    const lasted = (performance.now() - start) / 1_000

    stopLoad.abort()
    await Promise.all([loading, moved])
    let isFollowed = false
    load
      .followed()
      .catch((error: unknown) => faults.push(`a job could not be followed: ${String(error)}`))
      .finally(() => {
        isFollowed = true
      })
    /** Waits until something is so, as long as a hub may take to come to rest. */
    const settle = async (what: string, isSo: () => boolean | Promise<boolean>): Promise<void> => {
      say(`waiting until ${what}`)
      const end = performance.now() + settlingTime * 1_000
      while (!(await isSo())) {
        if (performance.now() > end) return void faults.push(`not so after ${settlingTime} seconds: ${what}`)
        await pause(250, signal)
      }
    }
    await settle('all jobs have ended', async () => (await countOpenJobs(pool)) === 0)
    await settle('all ends have reached those that follow the jobs', () => isFollowed)
    await settle('all devices are connected', async () => (await fleet.stats()).connected === count)
    // Presence must be right in both ways.
    const gone = random
      .shuffle(devices)
      .slice(0, Math.ceil(count / 10))
      .map(({ deviceId }) => deviceId)
    await fleet.disconnect(gone)
    const connected = new Set(devices.map(({ deviceId }) => deviceId))
    for (const deviceId of gone) connected.delete(deviceId)
    await settle('the hub knows which devices are connected, and these have their properties', async () => {
      const rows = await readDevices(pool)
      return rows.every(
        (row) => row.isConnected === connected.has(row.deviceId) && (row.isUpToDate || !row.isConnected),
      )
    })

    const verdict = judge({
      jobs: await readJobs(pool),
      accepted: load.accepted,
      directCalls: load.directCalls,
      ledger: await fleet.ledger(),
      devices: await readDevices(pool),
      connected,
      answerOf: (deviceId) => JSON.stringify({ index: Number(deviceId.slice(fleetName.length + 1)) }),
    })
    faults.push(...load.faults, ...failures, ...verdict.faults)
    const summary: Summary = {
      seed,
      seconds: lasted,
      devices: count,
      parts: `${balancing.isHaproxy ? 'HAProxy' : 'a balancer of the tests'}, ${natsServers === 0 ? 'no NATS' : `NATS (${natsServers})`}`,
      plan,
      moves,
      jobs: load.accepted.length,
      directCalls: load.directCalls.length,
      verdict: { ...verdict, faults },
    }
    return { summary, logs: faults.length > 0 ? await landscape.writeLogs() : undefined }
  } catch (error) {
    if (!signal.aborted && landscape !== undefined) say(`the logs of the instances: ${await landscape.writeLogs()}`)
    throw error
  } finally {
    await closers.close()
  }
}
