import { setTimeout as pause } from 'node:timers/promises'
import { sqltag as sql } from '@prisma/client/runtime/client'
import type { Bench } from './benchmark.ts'
import { createClosers } from './closers.ts'
import { registerDevices, settleTables } from './devices.ts'
import { openGraphqlDoor } from './door.ts'
import { compare } from './measure.ts'
import { post } from './post.ts'
import { type Row, type Run, VoidRunError } from './row.ts'

const full = { devices: 100_000, pages: 20 }
const quickSizes = { devices: 2_000, pages: 3 }
const oneMillion = 1_000_000

/** Milliseconds that a page may take. */
const allowed = 100
/** `LIMIT_PAGE_MS` of the hub that refuses late pages: the rest is the way there and back. */
const hurriedMs = 80
/** A run has fewer pages when they take so many milliseconds together. */
const longRun = 1_000
const pageSize = 50

type Case = {
  readonly name: string
  readonly condition: string
  /** Whether the page must have devices, or be an error of its field alone. */
  readonly expected: 'some' | 'none' | 'refused'
  readonly kind: 'gate' | 'goal'
}

const cases: readonly Case[] = [
  { name: 'all', condition: '*', expected: 'some', kind: 'gate' },
  { name: 'tag', condition: 'tags.building = 43', expected: 'some', kind: 'gate' },
  { name: 'connected', condition: "connectionState = 'Connected'", expected: 'some', kind: 'gate' },
  {
    name: 'not',
    condition: "connectionState != 'Disconnected' AND status = 'disabled'",
    expected: 'none',
    kind: 'gate',
  },
  {
    name: 'parts',
    condition: "tags.decile = 3 AND tags.floor = 2 AND status = 'enabled'",
    expected: 'some',
    kind: 'gate',
  },
  {
    name: 'no parts',
    condition: "tags.decile = 3 AND tags.floor = 2 AND status = 'disabled'",
    expected: 'none',
    kind: 'gate',
  },
  { name: 'no tag', condition: 'tags.building = 43 AND tags.floor = 9', expected: 'none', kind: 'gate' },
  { name: 'no prefix', condition: "STARTSWITH(deviceId, 'q')", expected: 'none', kind: 'gate' },
  { name: 'or', condition: 'tags.building = 5000 OR properties.reported.battery = -7', expected: 'none', kind: 'gate' },
  { name: 'number', condition: 'properties.reported.battery > 97', expected: 'some', kind: 'gate' },
  { name: 'no number', condition: 'properties.reported.battery > 1000', expected: 'none', kind: 'goal' },
  { name: 'late', condition: 'properties.reported.battery > 1000', expected: 'refused', kind: 'gate' },
]

const query = `query Page($condition: String) {
  devices(first: ${pageSize}, queryCondition: $condition) {
    nodes { deviceId connectionState twin { tags } }
    pageInfo { hasNextPage endCursor }
  }
  jobs(first: 1) { nodes { jobId } }
}`

/** P26: whether a page of devices is there soon, whatever its condition meets. */
export async function devicePages(bench: Bench): Promise<Row[]> {
  const { pages, devices: usual } = bench.quick ? quickSizes : full
  const devices = bench.million ? oneMillion : usual
  await registerDevices(bench, 'p26', devices)
  await connectLast(bench, devices / 100)
  const closers = createClosers()
  try {
    const door = await openGraphqlDoor(bench.deps)
    closers.add(door.close)
    const { limits } = bench.deps
    const hurried = await openGraphqlDoor({
      ...bench.deps,
      limits: { ...limits, pageMs: bench.quick ? 10 : hurriedMs },
    })
    closers.add(hurried.close)
    const rows: Row[] = []
    for (const each of cases) {
      // A small table is read in less than the shortest limit.
      if (each.expected === 'refused' && !bench.million) continue
      const { url } = each.expected === 'refused' ? hurried : door
      rows.push(
        await compare(bench, {
          name: `P26 ${each.name}`,
          what: `${each.condition}, ${devices.toLocaleString('en')} devices: the longest of ${pages} pages of ${pageSize}`,
          unit: 'ms',
          baselineName: 'what is allowed',
          limit: { kind: each.kind, atMost: 1 },
          ours: () => run(bench, url, each, pages),
          baseline: async () => ({ value: allowed, cpuMicros: {} }),
        }),
      )
    }
    return rows
  } finally {
    await closers.close()
  }
}

/** Connects the last devices: those that a search in the order of their ids would find last. */
async function connectLast({ deps, signal }: Bench, count: number): Promise<void> {
  await deps.db.query(
    sql`update device set connection_state = 'connected', connection_id = id, instance_id = ${deps.lease.instanceId}
        where id in (select id from device order by id desc limit ${count}::integer)`,
  )
  await settleTables({ deps, signal })
}

async function run({ signal }: Bench, url: string, { condition, expected }: Case, pages: number): Promise<Run> {
  const body = JSON.stringify({ query, variables: { condition } })
  let [longest, spent] = [0, 0]
  for (let page = 0; page < pages && spent < longRun; page++) {
    const begun = performance.now()
    const answer = await post(url.replace(/^ws/, 'http'), body, signal)
    const took = performance.now() - begun
    const found = answer.includes('"code":"LIMIT_EXCEEDED"')
      ? 'refused'
      : answer.includes('"deviceId"')
        ? 'some'
        : 'none'
    // The other field of the request is answered in any case, by a read that does not wait after heavy ones.
    if (found !== expected || !answer.includes('"jobs":{"nodes":[]}')) {
      throw new VoidRunError(`Void: ${condition} has a page that is '${found}' and not '${expected}': ${answer}`)
    }
    longest = Math.max(longest, took)
    spent += took
    // The next page is not to wait because of LIMIT_HEAVY_WORK.
    if (took > 20) await pause(2 * took, undefined, { signal })
  }
  return { value: longest, cpuMicros: {} }
}
