import { raw, sqltag as sql } from '@prisma/client/runtime/client'
import type { Reader } from '../../database/reader.ts'
import { bytesOf, type WithBytes } from '../../database/within-bytes.ts'

/** The operation of a job or a template, its documents as JSON text; null for a missing or unrequested document. */
export type OperationTexts = {
  readonly jobId: string
  readonly methodName: string | null
  readonly payload: string | null
  readonly responseTimeoutInSeconds: number | null
  readonly connectTimeoutInSeconds: number | null
  readonly tags: string | null
  readonly desired: string | null
}

/**
 * The operations of these jobs or templates, and the bytes of their documents. Of more than `maxBytes` only the beginning is read.
 * Without `documents` no document is read.
 */
export async function findOperations(
  db: Reader,
  table: 'job' | 'job_template',
  jobIds: readonly string[],
  documents: boolean,
  maxBytes: number,
): Promise<{ readonly operations: OperationTexts[]; readonly bytes: number }> {
  const rows = await db.query<OperationTexts & WithBytes>(
    sql`select *
        from (
          select found.*, sum(size) over (rows unbounded preceding) as bytes
          from (
            select texts.*, coalesce(octet_length(payload), 0) + coalesce(octet_length(tags), 0)
                            + coalesce(octet_length(desired), 0) as size
            from (
              select id as "jobId", request ->> 'methodName' as "methodName",
                     (request ->> 'responseTimeoutInSeconds')::integer as "responseTimeoutInSeconds",
                     (request ->> 'connectTimeoutInSeconds')::integer as "connectTimeoutInSeconds",
                     case when ${documents} then (request -> 'payload')::text end as payload,
                     case when ${documents} then (request -> 'tags')::text end as tags,
                     case when ${documents} then (request -> 'desired')::text end as desired
              from ${raw(table)}
              where id = any(${jobIds})
              offset 0
            ) texts
            offset 0
          ) found
        ) summed
        where bytes - size <= ${maxBytes}
        order by bytes`,
  )
  return { operations: rows, bytes: bytesOf(rows) }
}
