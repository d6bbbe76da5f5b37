import { readInTime, readPage } from '../../database/bounded-read.ts'
import { parseZonedDateTime } from '../../date-time.ts'
import { InvalidInputError } from '../../errors.ts'
import { checkLabelName } from '../../job/naming.ts'
import {
  countJobs,
  findAllJobs,
  findJobs,
  type JobOrder,
  type JobPlace,
  type JobSelection,
  type SelectedJob,
} from '../../job/store/job-list.ts'
import { builder } from '../builder.ts'
import { selectedColumns } from '../columns.ts'
import { edgeIn, type KeysetList, pageArguments, pageComplexity, resolvePage, selectsRows } from '../connection.ts'
import { askerOf } from '../context.ts'
import { DateTimeRange } from '../date-time-range.ts'
import { mayFail } from '../may-fail.ts'
import { OrderDirection } from '../order-direction.ts'
import { JobOutcome, JobStatus, JobType } from './enums.ts'
import { Job } from './job.ts'

// Filter

const longestSearch = 200

const ofForeignJobs = (matching: string): string =>
  `Of jobs that were not scheduled under your scope, only ${matching} match, because their devices are not counted for lists.`

const JobLabelFilter = builder.inputType('JobLabelFilter', {
  description: 'Selects jobs with a label.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'The name of the label, case-sensitive.' }),
    value: t.stringList({ description: 'The value is one of these, case-sensitive. Any value when omitted.' }),
  }),
})

/** A filter of jobs. All given fields must match. */
export const JobFilter = builder.inputType('JobFilter', {
  description: 'Selects jobs that match all given fields.',
  fields: (t) => ({
    type: t.field({ type: [JobType], description: 'The type is one of these.' }),
    status: t.field({ type: [JobStatus], description: 'The status is one of these.' }),
    outcome: t.field({
      type: [JobOutcome],
      description: `The job has ended with one of these outcomes. ${ofForeignJobs('failed and cancelled ones')}`,
    }),
    hasFailures: t.boolean({
      description: `Whether the job as a whole failed, or a device failed or answered with a status of 400 or more. Also for jobs that have not ended. ${ofForeignJobs('failed ones')}`,
    }),
    methodName: t.stringList({ description: 'The job calls one of these methods, case-sensitive.' }),
    createdBy: t.stringList({
      description: 'One of these persons or policies scheduled the job, by the name in `Job.createdBy`.',
    }),
    labels: t.field({ type: [JobLabelFilter], description: 'The job has all of these labels.' }),
    search: t.string({
      description: `The job ID, the name, the condition or the method name contains this text, in upper or lower case. At most ${longestSearch} characters.`,
    }),
    createdTime: t.field({ type: DateTimeRange, description: 'The job was created in this time range.' }),
    jobIdPrefix: t.string({ description: 'The job ID has this prefix, case-sensitive.' }),
  }),
})

/** The filter in the form of the store. InvalidInputError. */
export function selectionOf(filter: typeof JobFilter.$inferInput | null | undefined): JobSelection {
  const { type, status, outcome, hasFailures, methodName, createdBy, labels, search, createdTime, jobIdPrefix } =
    filter ?? {}
  if (search != null && search.length > longestSearch) {
    throw new InvalidInputError(['filter', 'search'], `The text may have at most ${longestSearch} characters.`)
  }
  return {
    types: type ?? undefined,
    statuses: status ?? undefined,
    outcomes: outcome ?? undefined,
    hasFailures: hasFailures ?? undefined,
    methodNames: methodName ?? undefined,
    createdBy: createdBy ?? undefined,
    labels: labels?.length
      ? labels.map(({ name, value }, index) => ({
          name: checkLabelName(name, ['filter', 'labels', String(index), 'name']),
          values: value ?? undefined,
        }))
      : undefined,
    text: search || undefined,
    from: createdTime?.from ?? undefined,
    to: createdTime?.to ?? undefined,
    idPrefix: jobIdPrefix ?? undefined,
  }
}

const selectsAll = (selection: JobSelection): boolean =>
  Object.values(selection).every((wanted) => wanted === undefined)

// Order

const JobOrderField = builder.enumType('JobOrderField', {
  description: 'The sort keys of jobs.',
  values: {
    CREATED_TIME: { value: 'createdTime', description: 'The creation time.' },
    END_TIME: {
      value: 'endTime',
      description: 'The end time. Jobs that have not ended come after all others, ordered by job ID.',
    },
    JOB_ID: { value: 'jobId', description: 'The job ID, compared byte by byte.' },
  } as const,
})

const JobOrderInput = builder.inputType('JobOrder', {
  description: 'The order of a list of jobs.',
  fields: (t) => ({
    field: t.field({ type: JobOrderField, required: true, description: 'The sort key.' }),
    direction: t.field({ type: OrderDirection, required: true, description: 'The sort direction.' }),
  }),
})

type Order = typeof JobOrderInput.$inferInput

/** The place of a job with a time. */
export type TimedJobPlace = JobPlace & { readonly time: Date }

/** The place in the order of time from the texts of a cursor: an ISO 8601 time and an ID. Undefined for other texts. */
export function parseJobPlace([time = '', id, ...others]: readonly string[]): TimedJobPlace | undefined {
  const parsed = parseZonedDateTime(time)
  if (id === undefined || others.length > 0 || parsed === undefined) return undefined
  return { id, time: parsed }
}

const listIn = ({ field, direction }: Order): KeysetList<SelectedJob, JobPlace> => ({
  name: `jobs:${field}:${direction}`,
  // Of one millisecond, jobs are ordered by ID. Open jobs have no end time.
  keysOf: (job) => (field === 'jobId' ? [job.id] : [job[field]?.toISOString() ?? '', job.id]),
  parseKeys(texts) {
    const [time, id, ...others] = field === 'jobId' ? ['', ...texts] : texts
    if (field === 'createdTime' || time !== '') return parseJobPlace(texts)
    return id === undefined || others.length > 0 ? undefined : { id, time: null }
  },
})

const defaultOrder: Order = { field: 'createdTime', direction: 'desc' }

/** The job as an edge of `jobs` in its default order. */
export const jobEdge = (job: SelectedJob) => edgeIn(listIn(defaultOrder), job)

/** The order in which a page is read: the rows nearest to its cursor first. */
const readIn = ({ field, direction }: Order, forward: boolean): JobOrder => ({
  field,
  direction: (direction === 'asc') === forward ? 'asc' : 'desc',
})

// The list

/** A job on a page. */
export const JobEdge = builder.edgeObject({
  type: Job,
  name: 'JobEdge',
  description: 'A job on a page, with its cursor.',
})

const JobConnection = builder.connectionObject(
  {
    type: Job,
    name: 'JobConnection',
    description: 'A page of jobs.',
    fields: (t) => ({
      totalCount: t.int({
        ...mayFail('Number of jobs that match the filter, on all pages. Counted only when selected.'),
        resolve: ({ totalCount }) => totalCount(),
      }),
    }),
  },
  JobEdge,
)

builder.queryField('jobs', (t) =>
  t.field({
    type: JobConnection,
    authScopes: { right: 'readJobs' },
    complexity: (args) => pageComplexity(args),
    ...mayFail('All jobs that have not ended, and the ended jobs that are still kept.'),
    args: {
      filter: t.arg({ type: JobFilter, description: 'Selects jobs. All when omitted.' }),
      orderBy: t.arg({
        type: JobOrderInput,
        description: 'The order. CREATED_TIME DESC when omitted, that is, the newest first.',
      }),
      ...pageArguments(),
    },
    resolve: (_root, { filter, orderBy, ...args }, context, info) => {
      const { deps, viewer } = context
      deps.throttles.take('jobOperations')
      const order = orderBy ?? defaultOrder
      const selection = selectionOf(filter)
      const columns = selectedColumns(info, 'Job')
      return resolvePage(
        listIn(order),
        args,
        async (page) => {
          const direction = readIn(order, page.forward)
          if (!selectsRows(info)) return []
          if (selectsAll(selection)) return findAllJobs(deps.db.reads, viewer.scope, columns, direction, page)
          return readPage(deps, askerOf(context), (db) =>
            findJobs(db, viewer.scope, columns, selection, direction, page),
          )
        },
        () => readInTime(deps, askerOf(context), (db) => countJobs(db, viewer.scope, selection)),
      )
    },
  }),
)
