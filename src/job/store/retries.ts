import { empty, type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import type { BoundedReader } from '../../database/bounded-read.ts'
import type { Tx } from '../../database/reader.ts'
import type { Scope } from '../../scope.ts'
import type { DeviceCondition, Fragment } from '../../sql-fragment.ts'
import type { Retry } from '../retry.ts'
import type { Wave } from '../waves.ts'
import { facts, result, status, timeUp } from './device-jobs.ts'
import { expandJob } from './targets.ts'

/** Selects the ids of the devices whose device jobs in the source of the retry are selected. */
export const selectedDevices = ({ sourceKey, selection }: Pick<Retry, 'sourceKey' | 'selection'>): Sql => {
  const { errorCode, responseStatus } = selection
  const isSelected =
    selection.result === undefined
      ? sql`${status} = any(${selection.status}::text[])`
      : sql`${result} = any(${selection.result}::text[])`
  return sql`
    select target.device_id
    from job join device_job target on target.job_key = job.key ${facts()}
    where job.key = ${sourceKey}::bigint and ${isSelected}
      ${errorCode === undefined ? empty : sql`and ${status} = 'failed' and coalesce(o.error_code, ${timeUp}) = any(${errorCode}::text[])`}
      ${responseStatus === undefined ? empty : sql`and o.response_status = any(${responseStatus}::integer[])`}`
}

/** Whether at least one device job is selected. The source is a job of the viewer's own, or one that it sees whole. */
export async function isAnySelected(
  db: BoundedReader,
  retry: Pick<Retry, 'sourceKey' | 'selection'>,
): Promise<boolean> {
  const [row] = await db.query<{ any: boolean }>(sql`select exists (${selectedDevices(retry)}) as any`)
  return row?.any ?? false
}

/**
 * Freezes the device list of a retry: the devices of its source that are selected, still exist, are in the scope and
 * meet the condition.
 */
export function expandRetry(
  tx: Tx & BoundedReader,
  scope: Scope,
  id: string,
  condition: DeviceCondition,
  waves: readonly Wave[] | null,
  retry: Retry,
  groupBy?: Fragment,
): Promise<number> {
  return expandJob(tx, scope, id, condition, { waves, narrowed: sql`and d.id in (${selectedDevices(retry)})`, groupBy })
}
