// The program of P23's pg-boss: it fetches and completes as many jobs at a time as it can, without waiting in between.
import PgBoss from 'pg-boss'
import type { QueueNews, QueueOrder } from '../queue-order.ts'

const tell = (news: QueueNews): void => {
  process.send?.(news)
}
const boss = new PgBoss({ connectionString: process.env.DATABASE_URL ?? '', max: 8 })
await boss.start()
await boss.createQueue('call')
/** Batches under way at a time. */
const loops = 4
const batchSize = 1_000

async function work(): Promise<number> {
  let done = 0
  for (;;) {
    const jobs = await boss.fetch('call', { batchSize })
    if (jobs.length === 0) return done
    await boss.complete(
      'call',
      jobs.map(({ id }) => id),
    )
    done += jobs.length
  }
}

process.on('message', async ({ operations }: QueueOrder) => {
  const begun = performance.now()
  const jobs = Array.from({ length: operations }, (_, index) => ({ name: 'call', data: { index } }))
  while (jobs.length > 0) await boss.insert(jobs.splice(0, 10_000))
  const done = await Promise.all(Array.from({ length: loops }, work))
  const sum = done.reduce((total, each) => total + each, 0)
  tell({ kind: 'done', seconds: (performance.now() - begun) / 1_000, operations: sum })
})
process.on('disconnect', () => process.exit(0))
tell({ kind: 'ready' })
