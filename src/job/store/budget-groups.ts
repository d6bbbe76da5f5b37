import { type Sql, sqltag as sql } from '@prisma/client/runtime/client'

/** `, …`: creates the groups of a job with a budget from the rows `target`, which have their `group_key`. */
export const createGroups = sql`, grouped as (
  insert into budget_group (job_key, group_key, device_count)
  select job_key, group_key, count(*) from target group by job_key, group_key
)`

/**
 * The key of the group of a device, from the value by which they are grouped. Equal values have the same hash: 1 and 1.0 are one
 * group. The devices without a value are one, too.
 */
export const groupOf = (value: Sql): Sql => sql`coalesce(jsonb_hash_extended(nullif(${value}, 'null'), 0), 0)`
