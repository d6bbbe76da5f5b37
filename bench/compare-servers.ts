import { isDeepStrictEqual } from 'node:util'
import { type Answering, startHub } from './answering.ts'
import { type Askers, startAskers } from './asking.ts'
import type { Bench } from './benchmark.ts'
import { createClosers } from './closers.ts'
import { fileJobs } from './filed-jobs.ts'
import { leaveHub } from './hub.ts'
import { type FiledJobs, jobPageBody } from './job-pages.ts'
import { compare, measure } from './measure.ts'
import { type Limit, type Row, type Run, VoidRunError } from './row.ts'

const full = { jobs: 20_000, requests: 4_000 }
const quickSizes = { jobs: 1_000, requests: 300 }
const connections = 16
/** Answers that are compared before anything is measured. */
const compared = 60

/** Another server of the same pages. */
export type Peer = {
  readonly name: string
  start(databaseUrl: string, signal: AbortSignal): Promise<Answering>
  readonly description: string
  readonly limit: Limit
}

/**
 * Asks the hub, which `start` starts, and each peer for the same pages, one server at a time. Each is a process of its own on the same database;
 * the clients are another one.
 */
export async function compareServers(
  bench: Bench,
  peers: readonly Peer[],
  start: (databaseUrl: string, signal: AbortSignal) => Promise<Answering> = startHub,
): Promise<Row[]> {
  const { deps, databaseUrl, signal, say } = bench
  const closers = createClosers()
  try {
    const filed = await fileJobs(bench, (bench.quick ? quickSizes : full).jobs)
    await leaveHub(deps)
    const hub = await start(databaseUrl, signal)
    closers.add(hub.close)
    const askers = startAskers(signal)
    closers.add(askers.close)
    const rows: Row[] = []
    for (const peer of peers) {
      say(`${peer.name}: starting ${peer.description}`)
      const other = await peer.start(databaseUrl, signal)
      try {
        await compareAnswers({ hub, other, filed, signal })
        rows.push(await compareRates(bench, peer, { hub, other, askers, filed }))
      } finally {
        await other.close()
      }
    }
    return rows
  } finally {
    await closers.close()
  }
}

async function compareRates(
  bench: Bench,
  { name, description, limit }: Peer,
  { hub, other, askers, filed }: { hub: Answering; other: Answering; askers: Askers; filed: FiledJobs },
): Promise<Row> {
  const { requests } = bench.quick ? quickSizes : full
  const next = { ours: 0, baseline: 0 }
  const bytes = { ours: 0, baseline: 0 }
  const run = async (side: 'ours' | 'baseline', { port, cpu }: Answering): Promise<Run> => {
    await askers.prepare({ port, connections, from: next[side], count: requests, asked: { kind: 'pages', filed } })
    const { seconds, cpuMicros } = await measure({ hub: cpu, database: bench.meters.database }, requests, async () => {
      bytes[side] += await askers.ask()
    })
    next[side] += requests
    return { value: requests / seconds, cpuMicros }
  }
  const row = await compare(bench, {
    name,
    what: `pages of 16 to 25 jobs over HTTP, ${connections} connections`,
    unit: 'requests/s',
    baselineName: description,
    limit,
    ours: () => run('ours', hub),
    baseline: () => run('baseline', other),
  })
  if (bytes.ours !== bytes.baseline) {
    throw new VoidRunError(`Void: the hub answered ${bytes.ours} bytes, ${description} ${bytes.baseline}.`)
  }
  return { ...row, notes: [`an answer has ${(bytes.ours / next.ours / 1_000).toFixed(1)} kB`] }
}

/** The same requests to both servers. VoidRunError unless the answers say the same. */
async function compareAnswers({
  hub,
  other,
  filed,
  signal,
}: {
  readonly hub: Answering
  readonly other: Answering
  readonly filed: FiledJobs
  readonly signal: AbortSignal
}): Promise<void> {
  const answer = async ({ port }: Answering, body: string): Promise<unknown> => {
    const headers = { 'content-type': 'application/json', accept: 'application/json' }
    const response = await fetch(`http://127.0.0.1:${port}/graphql`, { method: 'POST', headers, body, signal })
    return response.json()
  }
  for (let number = 0; number < compared; number++) {
    const body = jobPageBody(number, filed)
    const [ours, theirs] = [await answer(hub, body), await answer(other, body)]
    if (isDeepStrictEqual(ours, theirs)) continue
    throw new VoidRunError(`Void: ${body} has different answers: ${JSON.stringify(ours)}, ${JSON.stringify(theirs)}.`)
  }
}
