import { pause } from '../src/cli/abortable.ts'
import { idOf } from './attacked-fleet.ts'
import type { Attack } from './attacks.ts'
import type { Bench } from './benchmark.ts'
import { openHonestClient } from './honest-client.ts'
import type { Conduct } from './measure.ts'
import { percentile } from './numbers.ts'
import { cancelOpenJobs } from './open-jobs.ts'
import { figure } from './report.ts'
import type { Row, Run } from './row.ts'
import { openAttacker } from './under-attack.ts'
import { openWatchedHub, type WatchedHub } from './watched-hub.ts'

const full = { devices: 20_000, requests: 250 }
const quickSizes = { devices: 200, requests: 20 }
/** Milliseconds between two requests of the honest client: a console with some tabs. */
const requestPace = 10
/** Slices of each side in a round. They are short and in turn, so that what else the machine does falls on both. */
const sliceCount = 2
/** Milliseconds in which the hub ends what it does for the attacker, before the client is alone. */
const aftermath = 300

/** What was seen of one side in one round. */
type Seen = { readonly waits: readonly number[]; readonly cpuMicros: number; readonly block: number }

/** S8: how much longer an honest client waits while one connection at a time sends the worst that is known. */
export async function attacked(bench: Bench): Promise<Row[]> {
  const { devices, requests } = bench.quick ? quickSizes : full
  const hub = await openWatchedHub(bench, devices)
  const client = openHonestClient(hub.target, hub.honestToken)
  const deviceIds = Array.from({ length: requests }, (_, index) => idOf(100 + (index % 100)))
  const ask = (): Promise<number[]> => client.ask(deviceIds, requestPace)
  try {
    const rows: Row[] = []
    for (const { number, attack } of bench.attacks) {
      rows.push(await attackedBy(bench, hub, attack, `S8 ${number}`, ask))
    }
    return rows
  } finally {
    client.close()
    await hub.close()
  }
}

async function attackedBy(
  { quick, rounds, signal, say }: Conduct,
  hub: WatchedHub,
  attack: Attack,
  name: string,
  ask: () => Promise<number[]>,
): Promise<Row> {
  const attacker = await openAttacker(hub.target, attack, signal)
  const alone: Seen[] = []
  const beside: Seen[] = []
  try {
    for (let round = 0; round <= rounds; round++) {
      const slices = { alone: [] as Seen[], beside: [] as Seen[] }
      for (let slice = 0; slice < (round === 0 ? 1 : sliceCount); slice++) {
        await pause(aftermath, signal)
        slices.alone.push(await watch(hub, ask))
        slices.beside.push(await watch(hub, () => attacker.during(ask)))
        if (attack.leavesJobs) await cancelOpenJobs(hub.client)
      }
      const [a, b] = [together(slices.alone), together(slices.beside)]
      const where = round === 0 ? 'warm-up' : `round ${round} of ${rounds}`
      say(`${name}, ${where}: ${figure(runOf(a).value)} ms alone, ${figure(runOf(b).value)} ms under attack`)
      if (round === 0) continue
      alone.push(a)
      beside.push(b)
    }
  } finally {
    await attacker.close()
  }
  const [a, b] = [together(alone), together(beside)]
  const middle = ({ waits }: Seen): string => figure(percentile(waits, 0.5))
  return {
    name,
    what: `p99 of an honest client while a ${attack.who} ${attack.what}`,
    unit: 'ms',
    baselineName: 'the same client alone',
    limit: quick ? undefined : { kind: 'gate', atMost: 1.5 },
    notes: [
      `median ${middle(b)} ms, alone ${middle(a)} ms; longest block of the event loop ${figure(b.block)} ms, alone ${figure(a.block)} ms`,
    ],
    ours: beside.map(runOf),
    baseline: alone.map(runOf),
  }
}

async function watch(hub: WatchedHub, ask: () => Promise<number[]>): Promise<Seen> {
  const before = await hub.ask('watch')
  const waits = await ask()
  const after = await hub.ask('tell')
  return { waits, cpuMicros: after.cpuMicros - before.cpuMicros, block: after.block }
}

const together = (seen: readonly Seen[]): Seen => ({
  waits: seen.flatMap(({ waits }) => waits),
  cpuMicros: seen.reduce((sum, { cpuMicros }) => sum + cpuMicros, 0),
  block: Math.max(...seen.map(({ block }) => block)),
})

const runOf = ({ waits, cpuMicros }: Seen): Run => ({
  value: percentile(waits, 0.99),
  cpuMicros: { hub: cpuMicros / waits.length },
})
