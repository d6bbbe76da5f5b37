// Jobs in IoT Hub's format. Pure: values in, values out.

import { InvalidInputError, PreconditionError } from '../errors.ts'
import { parseEtag } from '../etag.ts'
import type { JobRequestInput, JobType } from '../job/request.ts'
import type { JobStatus } from '../job/state.ts'
import type { JobRecord } from '../job/store/jobs.ts'
import { jobStatusWords, jobTypeWords, type Words } from '../query/enum-aliases.ts'
import { RestError } from './errors.ts'
import { twinChangeFrom } from './twin-wire.ts'
import { checkSameId, membersOf, timeFrom, timeText } from './wire.ts'

/** The type in a request to create a job. GenericBadRequest for an unknown type. */
function jobTypeFrom(value: unknown): JobType {
  const type = typeof value === 'string' ? jobTypeWords.canonical(value) : undefined
  if (type !== undefined) return type
  throw new RestError('GenericBadRequest', 'The type of a job must be scheduleDeviceMethod or scheduleUpdateTwin.')
}

/** Which jobs to list. */
export type JobFilter = { readonly type: JobType | undefined; readonly status: JobStatus | undefined }

/** The filter in a query string, in which empty members count as absent. InvalidInputError for unknown words. */
export function jobFilterFrom(query: URLSearchParams): JobFilter {
  return { type: wordIn(query, 'jobType', jobTypeWords), status: wordIn(query, 'jobStatus', jobStatusWords) }
}

function wordIn<Name extends string>(query: URLSearchParams, parameter: string, words: Words<Name>): Name | undefined {
  const text = query.get(parameter)
  if (text === null || text === '') return undefined
  const name = words.canonical(text)
  if (name !== undefined) return name
  throw new InvalidInputError([parameter], `${parameter} must be one of ${words.known.join(', ')}.`)
}

/** A request to create the job with this id, its values unchecked. Members that IoT Hub does not know are ignored. */
export function jobRequestFrom(body: unknown, jobId: string): JobRequestInput {
  const job = membersOf(body, [])
  checkSameId(job.jobId, jobId, 'jobId')
  return {
    jobId,
    type: jobTypeFrom(job.type),
    queryCondition: job.queryCondition,
    startTime: timeFrom(job.startTime, ['startTime']),
    maxExecutionTimeInSeconds: job.maxExecutionTimeInSeconds,
    cloudToDeviceMethod: job.cloudToDeviceMethod && methodFrom(job.cloudToDeviceMethod),
    updateTwin: job.updateTwin && jobPatchFrom(job.updateTwin),
    mayChangeNothing: true,
  }
}

/** The SDK's own documentation calls the timeout of a method `timeoutInSeconds`. */
function methodFrom(value: unknown): object {
  const { timeoutInSeconds, ...method } = membersOf(value, ['cloudToDeviceMethod'])
  return { responseTimeoutInSeconds: timeoutInSeconds, ...method }
}

/** A job writes many twins, so `*` is the only meaningful etag. */
function jobPatchFrom(value: unknown): object {
  const { etag } = membersOf(value, ['updateTwin'])
  if (etag !== undefined && etag !== null && !(typeof etag === 'string' && parseEtag(etag) === '*')) {
    throw new PreconditionError('The etag in updateTwin must be "*": a job updates every twin, regardless of its etag.')
  }
  return twinChangeFrom(value, ['updateTwin'])
}

/** The answer to the creation of a job: three members, as in IoT Hub. */
export function createdJob(jobId: string, type: JobType, status: JobStatus): object {
  return { jobId, type, status }
}

/** A job in full. */
export function jobDocument(job: JobRecord): object {
  const { deviceCount, failedCount, succeededCount, runningCount, pendingCount, cancelledCount } = job
  return {
    ...jobWithoutStatistics(job),
    // The sixth counter is ours: without it, the counters of a cancelled job would not add up.
    deviceJobStatistics: { deviceCount, failedCount, succeededCount, runningCount, pendingCount, cancelledCount },
  }
}

/** The answer to a cancellation. */
export function jobWithoutStatistics(job: JobRecord): object {
  const { failureReason, statusMessage } = job
  return {
    jobId: job.id,
    type: job.type,
    status: job.status,
    createdTime: timeText(job.createdTime),
    startTime: timeText(job.startTime),
    endTime: job.endTime && timeText(job.endTime),
    maxExecutionTimeInSeconds: job.maxExecutionTimeSeconds,
    queryCondition: job.queryCondition,
    ...operationDocument(job),
    ...(failureReason !== null && { failureReason }),
    ...(statusMessage !== null && { statusMessage }),
  }
}

function operationDocument(job: JobRecord): object {
  if (job.type === 'scheduleDeviceMethod') return { cloudToDeviceMethod: job.request }
  const { tags, desired } = job.request
  return {
    updateTwin: {
      deviceId: null,
      etag: '*',
      ...(tags !== undefined && { tags }),
      ...(desired !== undefined && { properties: { desired } }),
    },
  }
}
