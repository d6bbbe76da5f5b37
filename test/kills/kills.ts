import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { signSasToken } from '../../src/access/sas.ts'
import { createHubClient, type HubClient } from '../../src/cli/hub-client.ts'
import type { Behaviour } from '../../src/simulator/behaviour.ts'
import { createFleet } from '../../src/simulator/fleet.ts'
import { createRandom } from '../chaos/random.ts'
import { openBalancer } from '../support/balancer.ts'
import { registerFleet } from '../support/fleet.ts'
import { freePorts } from '../support/ports.ts'
import { type Instance, openSeveralHubs } from '../support/several-hubs.ts'
import { findFaults } from './find-faults.ts'
import { createOperators } from './operators.ts'
import { type KillPoint, killPoints } from './points.ts'
import { installWitness, readWitness } from './witness.ts'

const fleetName = 'kills'
const fleetSize = 48
const sites = 8
const instances = 3
/** Milliseconds after which an instance is killed that has not come to its point, and for which it lives when killed at random. */
const patience = 30_000
const lifetime = [1_000, 5_000] as const
const preload = fileURLToPath(new URL('kill-at.js', import.meta.url))

/** What has happened in a run. */
export type KillReport = {
  /** The points at which instances were killed. */
  readonly named: readonly string[]
  /** How many were killed at random times. */
  readonly random: number
  readonly jobs: number
  readonly calls: number
  /** What is wrong, a sentence each. */
  readonly faults: readonly string[]
}

/** How long devices take, in milliseconds: always less than they may. */
export const delayOf = (index: number): number => 20 + (index % 7) * 40

/** Most devices succeed, some refuse, and some never answer. */
const behaviourOf = (index: number): Behaviour => {
  if (index % 23 === 22) return { kind: 'silent' }
  if (index % 11 === 10) return { kind: 'refuse', status: 503, delayMs: delayOf(index) }
  return { kind: 'answer', payload: { index }, delayMs: delayOf(index) }
}

/**
 * Three instances on one database, which are killed at named points and at random times while clients use every control of jobs.
 * At the end, all jobs go on to their ends, and the rows are compared with what the devices received.
 */
export async function runKills({
  named,
  random: atRandom,
  seed,
  hasWindows,
  say = () => {},
}: {
  readonly named: number
  readonly random: number
  readonly seed: number
  readonly hasWindows: boolean
  readonly say?: (line: string) => void
}): Promise<KillReport> {
  const folder = await mkdtemp(join(tmpdir(), 'twincast-kills-'))
  const hubs = await openSeveralHubs({ METHOD_WINDOW: '100', HTTPS_PORT: 'off', MQTTS_PORT: 'off' })
  const random = createRandom(seed)
  const { pool } = hubs.database
  await installWitness(pool)
  const places = await Promise.all(Array.from({ length: instances }, () => freePorts(2)))
  await Promise.all(places.map((_, place) => mkdir(join(folder, String(place)))))
  const ready = places.map(([http = 0]) => `http://127.0.0.1:${http}/readyz`)
  const balanced = { inTurn: true, patience: 5_000 }
  const requests = await openBalancer(
    places.map(([port = 0], index) => ({ port, ready: ready[index] ?? '' })),
    balanced,
  )
  const connections = await openBalancer(
    places.map(([, port = 0], index) => ({ port, ready: ready[index] ?? '' })),
    balanced,
  )
  const clients: HubClient[] = []
  const clientOf = (authorization?: string): HubClient => {
    const client = createHubClient({ url: `http://127.0.0.1:${requests.port}/graphql`, authorization })
    clients.push(client)
    return client
  }

  const start = (place: number, point?: KillPoint & { readonly turn: number }): Promise<Instance> => {
    const [http = 0, mqtt = 0] = places[place] ?? []
    return hubs.start({
      // Its own again, with the keys of its policies.
      DATA_DIR: join(folder, String(place)),
      HTTP_PORT: String(http),
      MQTT_PORT: String(mqtt),
      ...(point && { NODE_OPTIONS: `--import ${preload}`, KILL_AT: JSON.stringify(point) }),
    })
  }
  const startAgain = async (
    place: number,
    point?: KillPoint & { readonly turn: number },
  ): Promise<Instance | undefined> => {
    try {
      return await start(place, point)
    } catch (error) {
      // It came to its point before it was ready.
      if (point === undefined) throw error
      return undefined
    }
  }

  const faults: string[] = []
  const reached: string[] = []
  let killedAtRandom = 0
  let points: KillPoint[] = []
  const nextPoint = (): KillPoint & { readonly turn: number } => {
    if (points.length === 0) points = random.shuffle(killPoints)
    const [point] = points.splice(0, 1)
    if (point === undefined) throw new Error('There are points.')
    return { ...point, turn: Math.floor(random.between(0, 2)) }
  }
  const hub: (Instance | undefined)[] = []
  /** Has some devices connect again, so that an instance that has just started gets some. */
  let spreadDevices = (_place: number): void => {}

  let lastTurn: Promise<unknown> = Promise.resolve()
  /** One instance at a time is killed at random and started, so that others are there meanwhile. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = lastTurn.then(work)
    lastTurn = turn.catch(() => {})
    return turn
  }
  const killAtRandom = async (place: number): Promise<void> => {
    if (hub[place] === undefined) return
    await hub[place]?.kill()
    killedAtRandom++
    say(`killed at random (${killedAtRandom} of ${atRandom})`)
  }

  /** Waits until the instance at this place has come to its point, and at most so long. */
  const comesTo = async (place: number, point: KillPoint): Promise<void> => {
    const [isOver, late] = [new AbortController(), 'late']
    const code = await Promise.race([
      hub[place]?.ended ?? null,
      sleep(patience, late, { signal: isOver.signal }).catch(() => late),
    ])
    isOver.abort()
    if (code === late) return say(`did not come to: ${point.name}`)
    if (code !== null) faults.push(`An instance ended by itself, with code ${code}.`)
    hub[place] = undefined
    reached.push(point.name)
    say(`killed ${point.name} (${reached.length} of ${named})`)
  }

  /** Kills the instance at this place again and again. */
  const killAgain = async (place: number): Promise<void> => {
    while (reached.length < named || killedAtRandom < atRandom) {
      const isNamed = reached.length < named && (killedAtRandom >= atRandom || random.between(0, 1) < 0.6)
      const point = isNamed ? nextPoint() : undefined
      await inTurn(async () => {
        await killAtRandom(place)
        hub[place] = await startAgain(place, point)
        spreadDevices(place)
      })
      if (point === undefined) await sleep(random.between(...lifetime))
      else await comesTo(place, point)
    }
  }

  try {
    const first = await start(0)
    hub.push(first)
    const { rows } = await pool.query<{ key: string }>(
      "select primary_key as key from policy where name = 'iothubowner'",
    )
    const token = signSasToken({
      resource: 'localhost',
      key: rows[0]?.key ?? '',
      policyName: 'iothubowner',
      expiry: Math.floor(Date.now() / 1000) + 86_400,
    })
    const author = clientOf()
    const devices = await registerFleet(first.client, fleetName, fleetSize, behaviourOf, (index) => ({
      site: `site-${index % sites}`,
    }))
    const fleet = createFleet({ host: '127.0.0.1', port: connections.port, hubName: 'localhost', devices })
    try {
      hub.push(...(await Promise.all([1, 2].map((place) => start(place)))))
      await fleet.connect()
      spreadDevices = (place) => {
        const some = devices.filter((_, index) => index % instances === place)
        fleet.drop(some.map(({ deviceId }) => deviceId))
      }
      const operators = createOperators({
        author,
        approver: clientOf(token),
        pool,
        fleet: fleetName,
        deviceIds: devices.map(({ deviceId }) => deviceId),
        random: createRandom(seed, 1),
        hasWindows,
      })
      const stop = new AbortController()
      const running = operators.run(stop.signal)
      running.catch(() => {}) // it is awaited after the kills
      await Promise.all([killAgain(0), killAgain(1), killAgain(2)])
      stop.abort()
      await running
      say('all jobs go on')
      for (const place of [0, 1, 2]) {
        await hub[place]?.kill()
        hub[place] = await start(place)
      }
      await operators.finish()
      faults.push(
        ...(await readWitness(pool)),
        ...(await findFaults(pool, { accepted: operators.accepted, ledger: fleet.ledger.entries })),
      )
      return {
        named: reached,
        random: killedAtRandom,
        jobs: operators.accepted.length,
        calls: fleet.ledger.entries.length,
        faults,
      }
    } finally {
      await fleet.close()
    }
  } finally {
    for (const client of clients) client.close()
    await hubs.close()
    await requests.close()
    await connections.close()
    await rm(folder, { recursive: true, force: true })
  }
}
