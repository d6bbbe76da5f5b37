import { sqltag as sql } from '@prisma/client/runtime/client'

/** `, …`: creates the groups of a job with a budget from the rows `target`, which have their `group_key`. */
export const createGroups = sql`, grouped as (
  insert into budget_group (job_key, group_key, device_count)
  select job_key, group_key, count(*) from target group by job_key, group_key
)`
