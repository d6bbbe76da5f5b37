// The program of P13's Yoga with Pothos and Prisma.
import { createServer } from 'node:http'
import SchemaBuilder from '@pothos/core'
import PrismaPlugin from '@pothos/plugin-prisma'
import { PrismaPg } from '@prisma/adapter-pg'
import { createYoga } from 'graphql-yoga'
import { statusNames, typeNames } from '../job-pages.ts'
import { portOf } from '../port.ts'
import type PrismaTypes from './generated/pothos.ts'
import { getDatamodel } from './generated/pothos.ts'
import { type Job as JobRow, type Prisma, PrismaClient } from './generated/prisma/client.ts'

const prisma = new PrismaClient({
  adapter: new PrismaPg({ connectionString: process.env.DATABASE_URL ?? '', max: 8 }),
})

type Types = {
  readonly PrismaTypes: PrismaTypes
  readonly DefaultFieldNullability: false
  readonly Scalars: { readonly DateTime: { readonly Input: string; readonly Output: Date } }
}
const builder = new SchemaBuilder<Types>({
  plugins: [PrismaPlugin],
  defaultFieldNullability: false,
  prisma: { client: prisma, dmmf: getDatamodel() },
})

builder.scalarType('DateTime', { serialize: (date) => date.toISOString() })

/** The values of an enum, by their names. */
const valuesOf = <Names extends Readonly<Record<string, string>>>(names: Names) =>
  Object.fromEntries(Object.entries(names).map(([value, name]) => [name, { value }]))

const JobType = builder.enumType('JobType', { values: valuesOf(typeNames) })
const JobStatus = builder.enumType('JobStatus', { values: valuesOf(statusNames) })

const DeviceJobStatistics = builder.prismaObject('Job', {
  variant: 'DeviceJobStatistics',
  fields: (t) => ({
    deviceCount: t.exposeInt('deviceCount'),
    pendingCount: t.exposeInt('pendingCount'),
    runningCount: t.exposeInt('runningCount'),
    succeededCount: t.exposeInt('succeededCount'),
    failedCount: t.exposeInt('failedCount'),
    cancelledCount: t.exposeInt('cancelledCount'),
  }),
})

const Job = builder.prismaObject('Job', {
  fields: (t) => ({
    jobId: t.exposeString('id'),
    type: t.expose('type', { type: JobType }),
    status: t.expose('status', { type: JobStatus }),
    createdTime: t.expose('createdTime', { type: 'DateTime' }),
    startTime: t.expose('startTime', { type: 'DateTime' }),
    endTime: t.expose('endTime', { type: 'DateTime', nullable: true }),
    deviceJobStatistics: t.variant(DeviceJobStatistics),
  }),
})

type Page = { readonly nodes: JobRow[]; readonly hasNextPage: boolean; readonly endCursor: string | null }
const PageInfo = builder.objectRef<Page>('PageInfo').implement({
  fields: (t) => ({
    hasNextPage: t.exposeBoolean('hasNextPage'),
    endCursor: t.exposeString('endCursor', { nullable: true }),
  }),
})
const JobConnection = builder.objectRef<Page>('JobConnection').implement({
  fields: (t) => ({
    nodes: t.expose('nodes', { type: [Job] }),
    pageInfo: t.field({ type: PageInfo, resolve: (page) => page }),
  }),
})

const DateTimeRange = builder.inputType('DateTimeRange', { fields: (t) => ({ from: t.string(), to: t.string() }) })
const JobFilter = builder.inputType('JobFilter', {
  fields: (t) => ({
    type: t.field({ type: [JobType] }),
    status: t.field({ type: [JobStatus] }),
    createdTime: t.field({ type: DateTimeRange }),
  }),
})

const cursorOf = ({ createdTime, id }: Pick<JobRow, 'createdTime' | 'id'>): string =>
  Buffer.from(JSON.stringify(['jobs:createdTime:desc', createdTime, id])).toString('base64url')

/** The jobs after a cursor. The first condition is what the index is used for. */
function beyond(cursor: string): Prisma.JobWhereInput {
  const [, createdTime, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString())
  return { createdTime: { lte: createdTime }, OR: [{ createdTime: { lt: createdTime } }, { id: { lt: id } }] }
}

builder.queryType({
  fields: (t) => ({
    jobs: t.field({
      type: JobConnection,
      args: {
        first: t.arg.int({ required: true }),
        after: t.arg.string(),
        filter: t.arg({ type: JobFilter }),
      },
      async resolve(_root, { first, after, filter }) {
        const { type, status, createdTime } = filter ?? {}
        const jobs = await prisma.job.findMany({
          where: {
            AND: [
              after ? beyond(after) : {},
              type ? { type: { in: type } } : {},
              status ? { status: { in: status } } : {},
              createdTime?.from ? { createdTime: { gte: createdTime.from } } : {},
              createdTime?.to ? { createdTime: { lt: createdTime.to } } : {},
            ],
          },
          orderBy: [{ createdTime: 'desc' }, { id: 'desc' }],
          take: first + 1,
        })
        const nodes = jobs.slice(0, first)
        const last = nodes.at(-1)
        return { nodes, hasNextPage: jobs.length > first, endCursor: last === undefined ? null : cursorOf(last) }
      },
    }),
  }),
})

const server = createServer(createYoga({ schema: builder.toSchema(), logging: false }))
server.listen(0, '127.0.0.1', () => process.send?.(portOf(server)))
process.on('disconnect', () => process.exit(0))
