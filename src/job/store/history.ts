import { type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import type { Reader, Tx } from '../../database/reader.ts'
import type { By, JobEventCause, JobEventType, JobHistoryEvent } from '../history.ts'

/** What to record of a transition in addition to the job's row. */
type Note = {
  /** The type, or an expression over `moved` for it. */
  readonly type: JobEventType | Sql
  readonly cause: JobEventCause | Sql
  readonly time: Date
  readonly by?: By
  readonly reason?: string | Sql | null
  readonly changed?: readonly string[]
  /** An expression over `moved` for the wave. */
  readonly wave?: Sql
  readonly deviceCount?: number
}

/**
 * The part of a statement that writes the history: an event for each row of its part `moved`, which has the `key`,
 * `version` and `status` of jobs that were just moved. So there is no transition without its event.
 */
export const noteMoved = ({ type, cause, time, by, reason, changed, wave, deviceCount }: Note): Sql => sql`
  insert into job_event (job_key, version, time, type, status, cause, actor, reason, actor_id, changed, wave, device_count)
  select key, version, ${time}::timestamptz, ${type}, status, ${cause}, ${by?.name ?? null}, ${reason ?? null},
         ${by?.id ?? null}, ${changed ?? null}::text[], ${wave ?? sql`null::integer`}, ${deviceCount ?? null}::integer
  from moved`

/** An event and the key of its job. */
export type KeyedEvent = JobHistoryEvent & { readonly jobKey: string }

/** A part of a history: its last events, or the last ones of those before a version. */
export type HistoryPage = { readonly last: number; readonly before: number | null }

/** All events: a job with 1,000 of them can neither be paused nor changed. */
const wholeHistory: HistoryPage = { last: 2_000, before: null }

/**
 * The histories of these jobs (by their keys), each with its oldest event first. Jobs from older versions of the hub have
 * none.
 */
export function findHistories(
  db: Reader,
  jobKeys: readonly string[],
  { last, before } = wholeHistory,
): Promise<KeyedEvent[]> {
  return db.query<KeyedEvent>(
    sql`select event.job_key as "jobKey", version, time, type, status, cause, actor, reason, changed, crossing,
               cancellation, wave, device_count as "deviceCount"
        from unnest(${jobKeys}::bigint[]) as asked (key)
        cross join lateral (
          select * from job_event
          where job_key = asked.key and (${before}::integer is null or version < ${before}::integer)
          order by version desc
          limit ${last}
        ) event
        order by event.job_key, version`,
  )
}

/** The names of those who scheduled these jobs (by their keys), as far as they are known. */
export function findSchedulers(
  db: Reader,
  jobKeys: readonly string[],
): Promise<{ readonly jobKey: string; readonly actor: string | null }[]> {
  return db.query(
    sql`select job_key as "jobKey", actor from job_event
        where job_key = any(${jobKeys}::bigint[]) and type = 'scheduled'`,
  )
}

/**
 * What identifies the client that scheduled the job, and the one that had changed its template last; as far as there are
 * such.
 */
export async function findAuthors(
  tx: Tx,
  jobId: string,
): Promise<{ readonly scheduledBy: string | null; readonly templateChangedBy: string | null }> {
  const [row] = await tx.query<{ scheduledBy: string | null; templateChangedBy: string | null }>(
    sql`select event.actor_id as "scheduledBy", template_changed_by as "templateChangedBy"
        from job left join job_event event on event.job_key = job.key and event.type = 'scheduled'
        where job.id = ${jobId}`,
  )
  return row ?? { scheduledBy: null, templateChangedBy: null }
}

/** How many events the history of a job has. */
export async function countEvents(tx: Tx, jobId: string): Promise<number> {
  const [row] = await tx.query<{ count: number }>(
    sql`select count(*)::integer as count from job_event where job_key = (select key from job where id = ${jobId})`,
  )
  return row?.count ?? 0
}
