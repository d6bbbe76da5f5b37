import { sqltag as sql } from '@prisma/client/runtime/client'
import type { Bench } from './benchmark.ts'
import { type FiledJobs, jobInterval } from './job-pages.ts'

/** Writes jobs that have ended, as a hub has them that runs one a minute. */
export async function fileJobs({ deps: { db, clock } }: Bench, count: number): Promise<FiledJobs> {
  const since = clock.now().getTime() - (count + 1) * jobInterval
  await db.query(
    sql`insert into job (
          id, type, status, query_condition, request, created_time, start_time, started_time, end_time,
          max_execution_time_seconds, deadline, device_count, succeeded_count, failed_count
        )
        select
          'reboot-' || lpad(n::text, 7, '0'),
          case n % 3 when 0 then 'scheduleUpdateTwin' else 'scheduleDeviceMethod' end,
          case n % 20 when 0 then 'failed' when 1 then 'cancelled' else 'completed' end,
          '*', '{}', created, created, created, created + interval '41 seconds', 3600, created + interval '1 hour',
          1000 + n % 1000, 1000, n % 1000
        from generate_series(0, ${count - 1}::integer) n
        cross join lateral (select to_timestamp(${since / 1000}::float8) + n * interval '1 minute' as created) time`,
  )
  await db.query(sql`vacuum analyze job`)
  await db.query(sql`checkpoint`)
  return { count, since }
}
