// The program of P23's graphile-worker, with batches for everything that it does in batches.
import { makeWorkerUtils, run } from 'graphile-worker'
import pg from 'pg'
import type { QueueNews, QueueOrder } from '../queue-order.ts'

const connectionString = process.env.DATABASE_URL ?? ''
const tell = (news: QueueNews): void => {
  process.send?.(news)
}
const utils = await makeWorkerUtils({ connectionString })
await utils.migrate()
let done = 0
await run({
  connectionString,
  noHandleSignals: true,
  crontab: '',
  taskList: {
    call: async () => {
      done++
    },
  },
  preset: {
    worker: {
      concurrentJobs: 1_000,
      maxPoolSize: 8,
      localQueue: { size: 2_000 },
      completeJobBatchDelay: 5,
      failJobBatchDelay: 5,
    },
  },
})
const pool = new pg.Pool({ connectionString, max: 1 })

process.on('message', async ({ operations }: QueueOrder) => {
  const begun = performance.now()
  done = 0
  const jobs = Array.from({ length: operations }, (_, index) => ({ identifier: 'call', payload: { index } }))
  while (jobs.length > 0) await utils.addJobs(jobs.splice(0, 10_000))
  for (;;) {
    const { rows } = await pool.query<{ left: boolean }>(
      'select exists (select from graphile_worker._private_jobs) as left',
    )
    if (rows[0]?.left === false) break
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  tell({ kind: 'done', seconds: (performance.now() - begun) / 1_000, operations: done })
})
process.on('disconnect', () => process.exit(0))
tell({ kind: 'ready' })
