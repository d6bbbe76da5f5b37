import { queryFromInfo } from '@pothos/plugin-prisma'
import { readInTime } from '../../database/bounded-read.ts'
import { parseZonedDateTime } from '../../date-time.ts'
import { countJobs, findJobs, type JobOrder, type JobSelection } from '../../job/store/job-list.ts'
import { builder } from '../builder.ts'
import { type KeysetList, pageArguments, pageComplexity, resolvePage } from '../connection.ts'
import { askerOf } from '../context.ts'
import { JobStatus, JobType } from './enums.ts'
import { Job } from './job.ts'

// Which

const DateTimeRange = builder.inputType('DateTimeRange', {
  description: 'A span of time; without an end it is open there.',
  fields: (t) => ({
    from: t.field({ type: 'DateTime', description: 'From this moment on.' }),
    to: t.field({ type: 'DateTime', description: 'Before this moment.' }),
  }),
})

/** All that is given must hold. */
export const JobFilter = builder.inputType('JobFilter', {
  description: 'Which jobs: those for which all that is given holds.',
  fields: (t) => ({
    type: t.field({ type: [JobType], description: 'One of these types.' }),
    status: t.field({ type: [JobStatus], description: 'In one of these statuses.' }),
    createdTime: t.field({ type: DateTimeRange, description: 'Scheduled in this span.' }),
    jobIdPrefix: t.string({ description: 'A name that begins so, with case.' }),
  }),
})

/** The filter as the store takes it. */
export function selectionOf(filter: typeof JobFilter.$inferInput | null | undefined): JobSelection {
  const { type, status, createdTime, jobIdPrefix } = filter ?? {}
  return {
    types: type ?? undefined,
    statuses: status ?? undefined,
    from: createdTime?.from ?? undefined,
    to: createdTime?.to ?? undefined,
    idPrefix: jobIdPrefix ?? undefined,
  }
}

// In which order

const JobOrderField = builder.enumType('JobOrderField', {
  description: 'What jobs can be ordered by.',
  values: {
    CREATED_TIME: { value: 'createdTime', description: 'When they were scheduled.' },
    JOB_ID: { value: 'jobId', description: 'Their names, compared byte by byte.' },
  } as const,
})

/** The direction of a list. */
export const OrderDirection = builder.enumType('OrderDirection', {
  description: 'Which end comes first.',
  values: {
    ASC: { value: 'asc', description: 'The smallest or earliest first.' },
    DESC: { value: 'desc', description: 'The largest or latest first.' },
  } as const,
})

const JobOrderInput = builder.inputType('JobOrder', {
  description: 'The order of a list of jobs.',
  fields: (t) => ({
    field: t.field({ type: JobOrderField, required: true, description: 'What to compare.' }),
    direction: t.field({ type: OrderDirection, required: true, description: 'Which end comes first.' }),
  }),
})

type Order = typeof JobOrderInput.$inferInput

/** The place of a job in the order of time. Jobs of one millisecond follow each other by their names. */
export type JobPlace = { readonly id: string; readonly createdTime: Date }

/** The place again from the texts of a cursor: an ISO 8601 time and an id. Undefined for others. */
export function parseJobPlace([time = '', id, ...others]: readonly string[]): JobPlace | undefined {
  const createdTime = parseZonedDateTime(time)
  if (id === undefined || others.length > 0 || createdTime === undefined) return undefined
  return { id, createdTime }
}

type Keys = { readonly id: string; readonly createdTime: Date | undefined }

const listIn = ({ field, direction }: Order): KeysetList<JobPlace, Keys> => ({
  name: `jobs:${field}:${direction}`,
  keysOf: ({ id, createdTime }) => (field === 'jobId' ? [id] : [createdTime.toISOString(), id]),
  parseKeys(texts) {
    if (field === 'createdTime') return parseJobPlace(texts)
    const [id, ...others] = texts
    return id === undefined || others.length > 0 ? undefined : { id, createdTime: undefined }
  },
})

/** The order in which a page is read: nearest to its cursor first. */
const readIn = ({ field, direction }: Order, forward: boolean): JobOrder => ({
  field,
  direction: (direction === 'asc') === forward ? 'asc' : 'desc',
})

// The list

const JobConnection = builder.connectionObject(
  {
    type: Job,
    name: 'JobConnection',
    description: 'A page of jobs.',
    fields: (t) => ({
      totalCount: t.int({
        description: 'How many jobs pass the filter, on all pages. Counted only when asked for.',
        resolve: ({ totalCount }) => totalCount(),
      }),
    }),
  },
  { name: 'JobEdge', description: 'A job in a page.' },
)

builder.queryField('jobs', (t) =>
  t.field({
    type: JobConnection,
    authScopes: { operation: 'readJobs' },
    complexity: (args) => pageComplexity(args),
    description:
      'Jobs that have not ended, and those that have and are still kept; the latest first unless `orderBy` says otherwise.',
    args: {
      filter: t.arg({ type: JobFilter, description: 'Which; all when left out.' }),
      orderBy: t.arg({ type: JobOrderInput, description: 'CREATED_TIME DESC when left out.' }),
      ...pageArguments(),
    },
    resolve: (_root, { filter, orderBy, ...args }, context, info) => {
      const { deps } = context
      deps.throttles.take('jobOperations')
      const order = orderBy ?? { field: 'createdTime', direction: 'desc' }
      const selection = selectionOf(filter)
      const { select } = queryFromInfo({
        context,
        info,
        typeName: 'Job',
        paths: [['nodes'], ['edges', 'node']],
        select: { id: true, createdTime: true },
      })
      return resolvePage(
        listIn(order),
        args,
        (page) =>
          readInTime(deps, askerOf(context), (db) =>
            findJobs(db, Object.keys(select), selection, readIn(order, page.forward), page),
          ),
        () => readInTime(deps, askerOf(context), (db) => countJobs(db, selection)),
      )
    },
  }),
)
