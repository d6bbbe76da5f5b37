import { builder } from './builder.ts'
import './scalars.ts'
import './device.ts'
import './change-device.ts'
import './twin.ts'
import './job.ts'
import './jobs.ts'
import './schedule-job.ts'
import './job-progress.ts'
import './device-job.ts'
import './device-jobs.ts'
import './method.ts'
import './telemetry.ts'

/** The schema of the GraphQL door; printed to schema.graphql. */
export const schema = builder.toSchema()
