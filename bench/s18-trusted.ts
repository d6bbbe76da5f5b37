import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startHub } from './answering.ts'
import { startAskers } from './asking.ts'
import type { Bench } from './benchmark.ts'
import { createClosers } from './closers.ts'
import { fileJobs } from './filed-jobs.ts'
import { leaveHub } from './hub.ts'
import { viewedJobId, viewedJobQuery } from './job-pages.ts'
import { compare, measure } from './measure.ts'
import { type Row, type Run, VoidRunError } from './row.ts'

const full = { jobs: 20_000, requests: 10_000 }
const quickSizes = { jobs: 1_000, requests: 300 }
const connections = 16

/** S18: whether a request by the id of a trusted document is faster than by its text, which the hub has parsed. */
export async function trusted(bench: Bench): Promise<Row[]> {
  const { jobs, requests } = bench.quick ? quickSizes : full
  const { deps, databaseUrl, signal } = bench
  const closers = createClosers()
  try {
    const folder = await mkdtemp(join(tmpdir(), 'twincast-bench-'))
    closers.add(() => rm(folder, { recursive: true, force: true }))
    const documents = join(folder, 'documents.json')
    await writeFile(documents, JSON.stringify({ [viewedJobId]: viewedJobQuery }))
    const filed = await fileJobs(bench, jobs)
    await leaveHub(deps)
    const hub = await startHub(databaseUrl, signal, { TRUSTED_DOCUMENTS: documents })
    closers.add(hub.close)
    const askers = startAskers(signal)
    closers.add(askers.close)
    const bytes = { id: 0, text: 0 }
    const next = { id: 0, text: 0 }
    const ask = async (by: 'id' | 'text'): Promise<Run> => {
      const asked = { kind: 'job', by, filed } as const
      await askers.prepare({ port: hub.port, connections, from: next[by], count: requests, asked })
      const { seconds, cpuMicros } = await measure(
        { hub: hub.cpu, database: bench.meters.database },
        requests,
        async () => {
          bytes[by] += await askers.ask()
        },
      )
      next[by] += requests
      return { value: requests / seconds, cpuMicros }
    }
    const row = await compare(bench, {
      name: 'S18',
      what: `one job by the id of a trusted document, ${connections} connections`,
      unit: 'requests/s',
      baselineName: `the same by its text of ${viewedJobQuery.length.toLocaleString('en')} characters`,
      limit: { kind: 'goal', atLeast: 1.05 },
      ours: () => ask('id'),
      baseline: () => ask('text'),
    })
    if (bytes.id !== bytes.text) {
      throw new VoidRunError(`Void: the hub answered ${bytes.id} bytes by id, ${bytes.text} by text.`)
    }
    return [row]
  } finally {
    await closers.close()
  }
}
