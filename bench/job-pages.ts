import { createHash } from 'node:crypto'

// What is asked for pages of jobs: the operation, and variables that are different in every request, so that answers cannot
// be kept.

/** A page of about 20 jobs, 7 kB. */
export const jobPageQuery = `query JobPage($first: Int!, $after: String, $filter: JobFilter) {
  jobs(first: $first, after: $after, filter: $filter) {
    nodes {
      jobId
      type
      status
      createdTime
      startTime
      endTime
      deviceJobStatistics { deviceCount pendingCount runningCount succeededCount failedCount cancelledCount }
    }
    pageInfo { hasNextPage endCursor }
  }
}`

/** How GraphQL names what the column `type` of a job has, and `status`. */
export const typeNames = {
  scheduleDeviceMethod: 'SCHEDULE_DEVICE_METHOD',
  scheduleUpdateTwin: 'SCHEDULE_UPDATE_TWIN',
} as const
export const statusNames = {
  scheduled: 'SCHEDULED',
  queued: 'QUEUED',
  running: 'RUNNING',
  completed: 'COMPLETED',
  failed: 'FAILED',
  cancelled: 'CANCELLED',
} as const
export type TypeName = (typeof typeNames)[keyof typeof typeNames]
export type StatusName = (typeof statusNames)[keyof typeof statusNames]

export type JobPageFilter = {
  readonly type?: readonly TypeName[] | null
  readonly status?: readonly StatusName[] | null
  readonly createdTime?: { readonly from?: string | null; readonly to?: string | null } | null
}
export type JobPageVariables = {
  readonly first: number
  readonly after?: string | null
  readonly filter?: JobPageFilter | null
}

/** The jobs in the database: `count` of them, one per minute from `since`, in milliseconds of the epoch. */
export type FiledJobs = { readonly count: number; readonly since: number }

/** Milliseconds between two jobs. */
export const jobInterval = 60_000
/** Jobs before the earliest cursor, enough for a full page of those that a filter selects. */
const fullPage = 200

/** Of every two requests one has a filter. */
const filters: readonly (JobPageFilter | undefined)[] = [
  undefined,
  { status: ['COMPLETED'] },
  undefined,
  { type: ['SCHEDULE_DEVICE_METHOD'] },
  undefined,
  { status: ['COMPLETED', 'FAILED'], type: ['SCHEDULE_UPDATE_TWIN'] },
]
/** Without a common divisor with any number of milliseconds that occurs here, so that places are spread and do not recur. */
const stride = 797_003_413

/** The variables of request `number`. */
export function jobPageVariables(number: number, { count, since }: FiledJobs): JobPageVariables {
  const place = since + fullPage * jobInterval + ((number * stride) % ((count - fullPage) * jobInterval))
  const cursor = JSON.stringify(['jobs:createdTime:desc', new Date(place).toISOString(), ''])
  const filter = filters[number % filters.length]
  return {
    first: 16 + (number % 10),
    after: Buffer.from(cursor).toString('base64url'),
    ...(filter && { filter }),
  }
}

/** The body of request `number`. */
export const jobPageBody = (number: number, filed: FiledJobs): string =>
  JSON.stringify({ query: jobPageQuery, variables: jobPageVariables(number, filed) })

/**
 * One job as the page of a front end shows and polls it, by fragments of its parts, in the text that clients send. It reads
 * one row. Of the documents of the console, one in eight is longer (docs/benchmarks.md).
 */
export const viewedJobQuery = `query ViewedJob($jobId: String!) {
  job(jobId: $jobId) {
    __typename
    id
    ...JobHeader
    ...JobOptions
    ...JobTimes
    ...JobProgress
    ...JobRollout
  }
}

fragment JobHeader on Job {
  jobId
  name
  description
  labels {
    name
    value
  }
  type
  status
  outcome
  queryCondition
  createdBy
  version
}

fragment JobOptions on Job {
  targets
  onOverlap
  maxDevices
  matchedCount
  skipCompliant
  maxExecutionTimeInSeconds
}

fragment JobTimes on Job {
  createdTime
  startTime
  selectedTime
  startedTime
  endTime
  deadline
  statusMessage
  failureReason
}

fragment JobCounters on DeviceJobStatistics {
  deviceCount
  pendingCount
  runningCount
  succeededCount
  refusedCount
  skippedCount
  failedCount
  cancelledCount
}

fragment JobProgress on Job {
  deviceJobStatistics {
    ...JobCounters
  }
}

fragment JobBudget on DisruptionBudget {
  groupBy
  maxConcurrent
}

fragment JobRollout on Job {
  rollout {
    maxPerMinute
    maxConcurrent
    ramp {
      from
      factor
      afterSucceeded
      perMinute
    }
    budget {
      ...JobBudget
    }
    window {
      days
      from
      to
      timeZone
      timeZoneFrom
    }
    retry {
      maxAttempts
      on
      backoffSeconds
      factor
      maxBackoffSeconds
    }
    abort {
      on
      errorCode
      responseStatus
      percent
      afterDevices
      action
      matchedCount
      endedCount
      hasActed
    }
  }
}`
/** Its id as a trusted document: a hash, as clients send it. */
export const viewedJobId = `sha256:${createHash('sha256').update(viewedJobQuery).digest('hex')}`

/** What the clients ask for: pages, or single jobs by the text of the operation or its id. */
export type Asked =
  | { readonly kind: 'pages'; readonly filed: FiledJobs }
  | { readonly kind: 'job'; readonly filed: FiledJobs; readonly by: 'id' | 'text' }

/** The body of request `number`. */
export function askedBody(number: number, asked: Asked): string {
  if (asked.kind === 'pages') return jobPageBody(number, asked.filed)
  const variables = { jobId: `reboot-${String((number * stride) % asked.filed.count).padStart(7, '0')}` }
  return JSON.stringify(
    asked.by === 'id' ? { documentId: viewedJobId, variables } : { query: viewedJobQuery, variables },
  )
}
