import { sqltag as sql } from '@prisma/client/runtime/client'

/** When a `job` ended, and the end of time for an open one: the first key of the index `job_end`. */
export const jobEnd = sql`coalesce(end_time, 'infinity')`
