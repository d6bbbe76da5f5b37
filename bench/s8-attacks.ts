import { graphql } from '../src/generated/graphql/gql.ts'
import { attacks } from './attacks.ts'
import type { Bench } from './benchmark.ts'
import { compare } from './measure.ts'
import { percentile } from './numbers.ts'
import { type Row, type Run, VoidRunError } from './row.ts'
import { underAttack } from './under-attack.ts'
import { idOf, openWatchedHub, type WatchedHub } from './watched-hub.ts'

const FULL = { devices: 20_000, requests: 400 }
const QUICK = { devices: 200, requests: 20 }
/** Milliseconds between two requests of the honest client: a console with some tabs. */
const PACE = 10

const ReadDevice = graphql(/* GraphQL */ `
  query BenchReadDevice($deviceId: String!) {
    device(deviceId: $deviceId) {
      deviceId
      connectionState
      twin {
        tags
      }
    }
  }
`)

/** S8: how much longer an honest client waits while one connection at a time sends the worst that is known. */
export async function attacked(bench: Bench): Promise<Row[]> {
  const { devices, requests } = bench.quick ? QUICK : FULL
  const hub = await openWatchedHub(bench, devices)
  try {
    const rows: Row[] = []
    for (const [index, attack] of attacks.entries()) {
      const row = await compare(bench, {
        name: `S8 ${index + 1}`,
        what: `p99 of an honest client while a ${attack.who} ${attack.what}`,
        unit: 'ms',
        baselineName: 'the same client alone',
        limit: { kind: 'gate', atMost: 1.5 },
        ours: () => underAttack(hub.target, attack, bench.signal, () => askHonestly(hub, requests)),
        baseline: () => askHonestly(hub, requests),
      })
      rows.push(row)
    }
    return rows
  } finally {
    await hub.close()
  }
}

/** Asks at an even pace, whether or not the answers come, so that what waits is counted too. Each must be right. */
async function askHonestly({ client }: WatchedHub, requests: number): Promise<Run> {
  const start = performance.now()
  const waits = await Promise.all(
    Array.from({ length: requests }, async (_, index) => {
      const due = start + index * PACE
      await new Promise((resolve) => setTimeout(resolve, due - performance.now()))
      const deviceId = idOf(100 + (index % 100))
      const { device } = await client.execute(ReadDevice, { deviceId })
      if (device?.deviceId !== deviceId) throw new VoidRunError(`Void: the honest client was not told of ${deviceId}.`)
      return performance.now() - due
    }),
  )
  return { value: percentile(waits, 0.99), cpuMicros: {} }
}
