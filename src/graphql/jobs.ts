import { queryFromInfo } from '@pothos/plugin-prisma'
import { parseZonedDateTime } from '../date-time.ts'
import type { Prisma } from '../generated/prisma/client.ts'
import { builder } from './builder.ts'
import { type KeysetList, type Page, pageArguments, pageComplexity, resolvePage } from './connection.ts'
import { Job } from './job.ts'
import { JobStatus, JobType } from './job-enums.ts'

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

/** The filter as a condition of Prisma's. */
export function jobsWhere(filter: typeof JobFilter.$inferInput | null | undefined): Prisma.JobWhereInput {
  const { type, status, createdTime, jobIdPrefix } = filter ?? {}
  return {
    ...(type != null && { type: { in: [...type] } }),
    ...(status != null && { status: { in: [...status] } }),
    ...(createdTime != null && {
      createdTime: {
        ...(createdTime.from != null && { gte: createdTime.from }),
        ...(createdTime.to != null && { lt: createdTime.to }),
      },
    }),
    // A range and no LIKE, for an index can answer it: ids are letters, digits and dashes, which all lie before ~.
    ...(jobIdPrefix != null && { id: { gte: jobIdPrefix, lt: `${jobIdPrefix}~` } }),
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

const JobOrder = builder.inputType('JobOrder', {
  description: 'The order of a list of jobs.',
  fields: (t) => ({
    field: t.field({ type: JobOrderField, required: true, description: 'What to compare.' }),
    direction: t.field({ type: OrderDirection, required: true, description: 'Which end comes first.' }),
  }),
})

type Order = typeof JobOrder.$inferInput

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

/** The rows beyond the cursor, nearest first. */
function pageIn({ field, direction }: Order, { cursor, forward, limit }: Page<Keys>) {
  const ascending = (direction === 'asc') === forward
  const beyond = ascending ? 'gt' : 'lt'
  const sort = ascending ? 'asc' : 'desc'
  const { id, createdTime } = cursor ?? {}
  const where: Prisma.JobWhereInput =
    id === undefined
      ? {}
      : createdTime === undefined
        ? { id: { [beyond]: id } }
        : { OR: [{ createdTime: { [beyond]: createdTime } }, { createdTime, id: { [beyond]: id } }] }
  const orderBy: Prisma.JobOrderByWithRelationInput[] =
    field === 'jobId' ? [{ id: sort }] : [{ createdTime: sort }, { id: sort }]
  return { where, orderBy, take: limit }
}

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
      orderBy: t.arg({ type: JobOrder, description: 'CREATED_TIME DESC when left out.' }),
      ...pageArguments(),
    },
    resolve: (_root, { filter, orderBy, ...args }, context, info) => {
      const { prisma } = context.deps.db
      context.deps.throttles.take('jobOperations')
      const order = orderBy ?? { field: 'createdTime', direction: 'desc' }
      const passing = jobsWhere(filter)
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
        (wanted) => {
          const { where, ...page } = pageIn(order, wanted)
          return prisma.job.findMany({ select, where: { AND: [passing, where] }, ...page })
        },
        () => prisma.job.count({ where: passing }),
      )
    },
  }),
)
