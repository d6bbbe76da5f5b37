import { type Sql, sqltag as sql } from '@prisma/client/runtime/client'

/**
 * What a row of such a statement has in addition to its own columns: its own bytes, and the sum up to and including it.
 */
export type WithBytes = { readonly size: number; readonly bytes: string }

/**
 * A statement that reads rows in order and stops after the one that exceeds `maxBytes`, so that the database neither
 * prints nor sends rows that are not returned. `ids` selects the ids of the rows as one array; `row` selects the row of
 * an id, with its bytes as `size`. Ids without a row are skipped. (A recursion ends when nothing is added: this is the
 * only way a statement can stop at a sum.)
 */
export const withinBytes = (ids: Sql, row: (id: Sql) => Sql, maxBytes: number): Sql => sql`
  with recursive given as materialized (select (${ids}) as ids), page as (
    select 1 as place, coalesce(next.size, 0)::bigint as bytes, next.*
    from (select) first
    left join lateral (${row(sql`((select ids from given))[1]`)}) next on true
    union all
    select page.place + 1, page.bytes + coalesce(next.size, 0), next.*
    from page
    left join lateral (${row(sql`((select ids from given))[page.place + 1]`)}) next on true
    where page.place < (select cardinality(ids) from given) and page.bytes <= ${maxBytes}
  )
  select * from page where size is not null order by place`

/** The total bytes of all rows. */
export const bytesOf = (rows: readonly WithBytes[]): number => Number(rows.at(-1)?.bytes ?? 0)
