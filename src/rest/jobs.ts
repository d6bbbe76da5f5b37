import { encodeCursor } from '../cursor.ts'
import { readInTime } from '../database/bounded-read.ts'
import { parseZonedDateTime } from '../date-time.ts'
import { NotFoundError } from '../errors.ts'
import { cancelJob, scheduleJob } from '../job/commands.ts'
import { initialStatus } from '../job/state.ts'
import { findJobRecord, findJobRecords, type JobRecord } from '../job/store/jobs.ts'
import { jsonPieces } from '../json/json-text.ts'
import { itemsWithin } from '../limits/answer-budget.ts'
import { parseCondition } from '../query/parser.ts'
import { RestError } from './errors.ts'
import { createdJob, jobDocument, jobFilterFrom, jobRequestFrom, jobWithoutStatistics } from './job-wire.ts'
import { invalidContinuation, pageHeaders, pageRequest, readListContinuation } from './paging.ts'
import { answerPage } from './printed-response.ts'
import { answer, askerOf, type Call, type Route, type ViewerCall } from './route.ts'
import { membersOf, textsIn } from './wire.ts'

async function createJob({ deps, viewer, caller, signal, id, body, choices }: ViewerCall): Promise<Response> {
  const request = jobRequestFrom(body, id)
  if (choices.strictQuery && typeof request.queryCondition === 'string') {
    parseCondition(request.queryCondition, { strict: true })
  }
  const { type } = membersOf(body, [])
  if (type !== request.type) deps.log.debug({ jobId: id, type }, 'job type has an old spelling')
  const now = deps.clock.now()
  await scheduleJob(deps, viewer, request, { caller, signal })
  return answer(createdJob(id, request.type, initialStatus(request.startTime ?? now, now)))
}

async function readJob({ deps, id }: Pick<Call, 'deps' | 'id'>): Promise<JobRecord> {
  const job = await findJobRecord(deps.db.reads, id)
  if (job === undefined) throw new NotFoundError('job', id)
  return job
}

async function getJob({ deps, id, choices }: Call): Promise<Response> {
  const job = await findJobRecord(deps.db.reads, id)
  if (job !== undefined) return answer(jobDocument(job))
  if (choices.unknownJob === '404') throw new NotFoundError('job', id)
  return answer({ jobId: id, status: 'unknown' })
}

async function cancel({ deps, viewer, id, choices }: ViewerCall): Promise<Response> {
  await cancelJob(deps, viewer, id, null, { unlessRunning: !choices.cancelRunning })
  return answer(jobWithoutStatistics(await readJob({ deps, id })))
}

/**
 * Newest first. A continuation is the place of the page's last job, so jobs that are added meanwhile do not change
 * later pages.
 */
async function listJobs(call: Call): Promise<Response> {
  const filter = jobFilterFrom(call.query)
  const list = `jobs:${filter.type ?? ''}:${filter.status ?? ''}`
  const { size, continuation } = pageRequest(call)
  const cursor = continuation === undefined ? undefined : cursorFrom(readListContinuation(list, continuation))
  const { pageBytes } = call.deps.limits
  const asker = askerOf(call)
  const { jobs, cut } = await readInTime(call.deps, asker, (db) =>
    findJobRecords(db, filter, { cursor, limit: size + 1 }, pageBytes),
  )
  const rows = jobs.slice(0, size)
  const items = await itemsWithin(asker.turns, rows, (job) => jsonPieces(jobDocument(job)), pageBytes)
  const last = jobs[items.length - 1]
  const more = (cut || jobs.length > items.length) && last !== undefined
  return await answerPage(
    asker.turns,
    items,
    pageHeaders('JobResponse', more ? encodeCursor(list, [last.createdTime.toISOString(), last.id]) : undefined),
  )
}

function cursorFrom([time = '', id, ...others]: readonly string[]): { createdTime: Date; id: string } {
  const createdTime = parseZonedDateTime(time)
  if (id === undefined || !/^[A-Za-z0-9-]+$/.test(id) || others.length > 0 || createdTime === undefined) {
    throw invalidContinuation()
  }
  return { createdTime, id }
}

// Jobs of the first version import and export devices through Azure storage. This hub has none, and cannot create any.

async function refuseImport(): Promise<Response> {
  throw new RestError(
    'InvalidOperation',
    'This hub has no import and export jobs. PUT /jobs/v2/{jobId} schedules a method call or a twin update.',
  )
}

async function listImports(): Promise<Response> {
  return answer([])
}

async function findImport({ id }: Call): Promise<Response> {
  throw new NotFoundError('job', id)
}

/** Scheduled jobs, and the answers about jobs of the first version. */
export const jobRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/jobs/v2/query',
    operationId: 'listJobs',
    summary: 'Lists jobs, the newest first.',
    right: 'readJobs',
    throttle: 'jobOperations',
    parameters: ['jobType', 'jobStatus', 'x-ms-max-item-count', 'x-ms-continuation', 'pageSize', 'continuationToken'],
    answer: { status: 200, schema: 'Jobs' },
    handle: listJobs,
  },
  {
    method: 'GET',
    path: '/jobs/v2/{jobId}',
    operationId: 'getJob',
    summary: 'A job and its progress.',
    right: 'readJobs',
    answer: { status: 200, schema: 'Job' },
    handle: getJob,
  },
  {
    method: 'PUT',
    path: '/jobs/v2/{jobId}',
    operationId: 'createJob',
    summary:
      'Schedules a job. The job is durable when the response is sent. The response has jobId, type and status only.',
    right: 'writeJobs',
    throttle: 'jobOperations',
    audit: (body) => textsIn(body, ['type', 'queryCondition']),
    body: { schema: 'JobRequest' },
    answer: { status: 200, schema: 'Job' },
    handle: createJob,
  },
  {
    method: 'POST',
    path: '/jobs/v2/{jobId}/cancel',
    operationId: 'cancelJob',
    audit: () => null,
    summary: 'Cancels a job that has not started. With REST_CANCEL_RUNNING=true, cancels a running job too.',
    right: 'writeJobs',
    throttle: 'jobOperations',
    answer: { status: 200, schema: 'Job' },
    handle: cancel,
  },
  {
    method: 'POST',
    path: '/jobs/create',
    operationId: 'createImportExportJob',
    summary: 'Always returns 400: this hub has no import and export jobs.',
    right: 'writeDevices',
    audit: 'changes nothing',
    answer: { status: 200 },
    handle: refuseImport,
  },
  {
    method: 'GET',
    path: '/jobs',
    operationId: 'listImportExportJobs',
    summary: 'Always returns an empty list: this hub has no import and export jobs.',
    right: 'readDevices',
    answer: { status: 200, schema: 'Jobs' },
    handle: listImports,
  },
  {
    method: 'GET',
    path: '/jobs/{jobId}',
    operationId: 'getImportExportJob',
    summary: 'Always returns 404: this hub has no import and export jobs.',
    right: 'readDevices',
    answer: { status: 200, schema: 'Job' },
    handle: findImport,
  },
  {
    method: 'DELETE',
    path: '/jobs/{jobId}',
    operationId: 'cancelImportExportJob',
    summary: 'Always returns 404: this hub has no import and export jobs.',
    right: 'writeDevices',
    audit: 'changes nothing',
    answer: { status: 204 },
    handle: findImport,
  },
]
