import type { Bench } from './benchmark.ts'
import { compare } from './measure.ts'
import type { Row } from './row.ts'
import { openWatchedHub } from './watched-hub.ts'

/** Milliseconds that one connection may hold up everybody else. */
const allowedBlock = { stranger: 10, device: 50, service: 50 }

/** Milliseconds in which the hub does what was asked of it before the connection ended. */
const aftermath = 300

/** S9: the longest that the event loop stands still because of one connection with the worst that is known. */
export async function blocks(bench: Bench): Promise<Row[]> {
  const hub = await openWatchedHub(bench, bench.quick ? 200 : 20_000)
  try {
    const rows: Row[] = []
    for (const { number, attack } of bench.attacks) {
      const row = await compare(bench, {
        name: `S9 ${number}`,
        what: `longest block of the event loop when a ${attack.who} ${attack.what}`,
        unit: 'ms',
        baselineName: 'what is allowed',
        limit: { kind: 'gate', atMost: 1 },
        async ours() {
          const before = await hub.ask('watch')
          await attack.once(hub.target, bench.signal)
          await new Promise((resolve) => setTimeout(resolve, aftermath))
          const after = await hub.ask('tell')
          return { value: after.block, cpuMicros: { hub: after.cpuMicros - before.cpuMicros } }
        },
        baseline: async () => ({ value: allowedBlock[attack.who], cpuMicros: {} }),
      })
      rows.push(row)
    }
    return rows
  } finally {
    await hub.close()
  }
}
