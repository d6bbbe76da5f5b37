import { setMaxListeners } from 'node:events'
import type { Target } from './attack-target.ts'
import type { Bench } from './benchmark.ts'
import { compare } from './measure.ts'
import type { Row, Run } from './row.ts'
import { openWatchedHub, type WatchedHub } from './watched-hub.ts'

const kb = 1024
/** KB that one connection may take while it is open. A service may be in the middle of a large answer. */
const allowedMemory = { stranger: 256, device: 2 * kb, service: 8 * kb }
/** KB that all connections together may leave: what the program has compiled and cached meanwhile. */
const remainder = 512
/** Milliseconds after which the connections are at their work. */
const atWork = 1_000

/** S10: the memory that a connection with the worst input known takes, and what it leaves. */
export async function memory(bench: Bench): Promise<Row[]> {
  const hub = await openWatchedHub(bench, bench.quick ? 200 : 20_000)
  // Many at a time, so that what the program itself takes in between does not count.
  const connectionCount = hub.targets.length
  try {
    const rows: Row[] = []
    for (const { number, attack } of bench.attacks) {
      const left: Run[] = []
      const row = await compare(bench, {
        name: `S10 ${number}`,
        what: `memory of a connection by which a ${attack.who} ${attack.what}`,
        unit: 'KB',
        baselineName: 'what is allowed',
        limit: { kind: 'gate', atMost: 1 },
        async ours() {
          const { taken, kept } = await weigh(hub, (target, signal) => attack.once(target, signal, 'stay'))
          left.push({ value: kept, cpuMicros: {} })
          return { value: taken / connectionCount, cpuMicros: {} }
        },
        baseline: async () => ({ value: allowedMemory[attack.who], cpuMicros: {} }),
      })
      rows.push(row, {
        ...row,
        name: `${row.name} after`,
        what: `kept after ${connectionCount} of them have ended`,
        ours: left.slice(1),
        baseline: row.baseline.map(() => ({ value: remainder, cpuMicros: {} })),
      })
    }
    return rows
  } finally {
    await hub.close()
  }
}

/**
 * KB in use on top of what was before: while the connections are open, one to each target, and when they have ended.
 */
async function weigh(
  hub: WatchedHub,
  open: (target: Target, signal: AbortSignal) => Promise<unknown>,
): Promise<{ taken: number; kept: number }> {
  const before = await hub.ask('weigh')
  const ending = new AbortController()
  setMaxListeners(0, ending.signal)
  const all = Promise.all(hub.targets.map((target) => open(target, ending.signal)))
  await Promise.race([all, new Promise((resolve) => setTimeout(resolve, atWork))])
  const during = await hub.ask('weigh')
  ending.abort()
  await all
  // The hub hears of it a moment later.
  await new Promise((resolve) => setTimeout(resolve, atWork))
  const after = await hub.ask('weigh')
  return {
    taken: Math.max(during.memory - before.memory, 0) / kb,
    kept: Math.max(after.memory - before.memory, 0) / kb,
  }
}
