import pg from 'pg'
import { type JobRow, jobPage } from '../job-page-rows.ts'
import { type JobPageVariables, statusNames, typeNames } from '../job-pages.ts'

export const typeDefs = `
  scalar DateTime
  enum JobType { SCHEDULE_DEVICE_METHOD SCHEDULE_UPDATE_TWIN }
  enum JobStatus { SCHEDULED QUEUED RUNNING COMPLETED FAILED CANCELLED }
  type DeviceJobStatistics {
    deviceCount: Int!
    pendingCount: Int!
    runningCount: Int!
    succeededCount: Int!
    failedCount: Int!
    cancelledCount: Int!
  }
  type Job {
    jobId: String!
    type: JobType!
    status: JobStatus!
    createdTime: DateTime!
    startTime: DateTime!
    endTime: DateTime
    deviceJobStatistics: DeviceJobStatistics!
  }
  type PageInfo {
    hasNextPage: Boolean!
    endCursor: String
  }
  type JobConnection {
    nodes: [Job!]!
    pageInfo: PageInfo!
  }
  input DateTimeRange { from: String to: String }
  input JobFilter { type: [JobType!] status: [JobStatus!] createdTime: DateTimeRange }
  type Query {
    jobs(first: Int!, after: String, filter: JobFilter): JobConnection!
  }
`

// As many connections as the hub has for its reads.
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 8 })

export const resolvers = {
  Query: {
    jobs: async (_root: unknown, args: JobPageVariables) => {
      const { rows, hasNextPage, endCursor } = await jobPage(pool, args)
      return { nodes: rows, pageInfo: { hasNextPage, endCursor } }
    },
  },
  Job: {
    jobId: (job: JobRow) => job.id,
    type: (job: JobRow) => typeNames[job.type],
    status: (job: JobRow) => statusNames[job.status],
    createdTime: (job: JobRow) => job.created_time,
    startTime: (job: JobRow) => job.start_time,
    endTime: (job: JobRow) => job.end_time,
    deviceJobStatistics: (job: JobRow) => job,
  },
  DeviceJobStatistics: {
    deviceCount: (job: JobRow) => job.device_count,
    pendingCount: (job: JobRow) => job.pending_count,
    runningCount: (job: JobRow) => job.running_count,
    succeededCount: (job: JobRow) => job.succeeded_count,
    failedCount: (job: JobRow) => job.failed_count,
    cancelledCount: (job: JobRow) => job.canceled_count,
  },
}
