import type { Fragment } from '../sql-fragment.ts'
import { deviceJobStatusWords, jobTypeWords, type Words } from './enum-aliases.ts'
import type { Field, FieldMap, Members } from './resolve-path.ts'
import { sql } from './sql-builder.ts'

type Fields = Readonly<Record<string, Field>>

const caseBlind = (fields: Fields): Members =>
  new Map(Object.entries(fields).map(([name, field]) => [name.toLowerCase(), { name, field }]))

const group = (members: Fields): Field => ({ kind: 'group', members: caseBlind(members) })
const text = (expression: Fragment): Field => ({ kind: 'text', sql: expression, nullable: false })
const word = (expression: Fragment, words: Words): Field => ({ kind: 'text', sql: expression, nullable: false, words })
const choice = (column: Fragment, expression: Fragment, values: Readonly<Record<string, string>>): Field => ({
  kind: 'text',
  sql: expression,
  nullable: false,
  choice: { column, values: new Map(Object.entries(values)) },
})
const nullableText = (expression: Fragment): Field => ({ kind: 'text', sql: expression, nullable: true })
const document = (expression: Fragment, members: Fields = {}): Field => ({
  kind: 'document',
  sql: expression,
  members: new Map(Object.entries(members).map(([name, field]) => [name, { name, field }])),
})
const number = (expression: Fragment): Field => ({ kind: 'number', sql: sql`(${expression})::float8` })

/** An etag as clients see it: the counter's eight bytes in base64. */
const etag = (counter: Fragment): Field => text(sql`encode(int8send((${counter})::int8), 'base64')`)

/** A time as clients see it: UTC text with milliseconds; 0001-01-01T00:00:00Z for a missing time, as in IoT Hub. */
const time = (instant: Fragment): Field =>
  text(sql`coalesce(to_char(${instant} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), '0001-01-01T00:00:00Z')`)

/**
 * The device and its twin in conditions: SQL expressions over the aliases `d` (device) and `t` (twin). The names are
 * those of Azure IoT Hub's twin document.
 */
export const deviceFields: FieldMap = {
  prefix: ['devices'],
  members: caseBlind({
    deviceId: text(sql`d.id`),
    etag: etag(sql`t.etag_version`),
    deviceEtag: etag(sql`d.etag_version`),
    version: number(sql`t.version`),
    status: choice(sql`d.status`, sql`d.status`, { enabled: 'enabled', disabled: 'disabled' }),
    statusReason: nullableText(sql`d.status_reason`),
    statusUpdateTime: time(sql`d.status_updated_time`),
    connectionState: choice(sql`d.connection_state`, sql`initcap(d.connection_state)`, {
      Connected: 'connected',
      Disconnected: 'disconnected',
    }),
    lastActivityTime: time(sql`d.last_activity_time`),
    cloudToDeviceMessageCount: number(sql`0`),
    authenticationType: choice(sql`d.authentication_type`, sql`d.authentication_type`, {
      sas: 'sas',
      selfSigned: 'selfSigned',
      certificateAuthority: 'certificateAuthority',
      none: 'none',
    }),
    x509Thumbprint: group({
      primaryThumbprint: nullableText(sql`d.primary_thumbprint`),
      secondaryThumbprint: nullableText(sql`d.secondary_thumbprint`),
    }),
    modelId: text(sql`d.model_id`),
    capabilities: group({ iotEdge: { kind: 'boolean', sql: sql`d.iot_edge` } }),
    tags: document(sql`t.tags`),
    properties: group({
      desired: document(sql`t.desired`, {
        $metadata: document(sql`t.desired_metadata`),
        $version: number(sql`t.desired_version`),
      }),
      reported: document(sql`t.reported`, {
        $metadata: document(sql`t.reported_metadata`),
        $version: number(sql`t.reported_version`),
      }),
    }),
  }),
}

/** A device job is created when the device list of its job is frozen: when the job starts, or before. */
const createdTime = time(sql`coalesce(job.selected_time, job.started_time)`)

/** The fields of `devices.jobs` that depend on the job only: SQL expressions over its row `job`. */
const ofJob: Fields = {
  jobId: text(sql`job.id`),
  jobType: word(sql`job.type`, jobTypeWords),
  startTimeUtc: time(sql`job.start_time`),
  endTimeUtc: time(sql`job.deadline`),
  createdDateTimeUtc: createdTime,
}

/** How a device job ended, for conditions: without the payload, which is JSON that jsonb may not be able to store. */
const ending = sql`jsonb_strip_nulls(jsonb_build_object(
  'error', case when v."errorCode" is not null
    then jsonb_build_object('code', v."errorCode", 'description', v."errorDescription") end,
  'outcome', jsonb_build_object('deviceMethodResponse', case when v."responseStatus" is not null
    then jsonb_build_object('status', v."responseStatus") end)))`

/** The names of `devices.jobs` that are the same for all devices of a job, in lower case. */
export const jobFieldNames: ReadonlySet<string> = new Set(caseBlind(ofJob).keys())

/**
 * A device job in conditions: SQL expressions over `job`, the job's row, and `v`, the view of its facts in
 * job/store/device-jobs.ts. The names are those of Azure IoT Hub's `devices.jobs`.
 */
export const deviceJobFields: FieldMap = {
  prefix: ['devices', 'jobs'],
  members: new Map([
    ...caseBlind({
      ...ofJob,
      deviceId: text(sql`v."deviceId"`),
      status: word(sql`v.status`, deviceJobStatusWords),
      lastUpdatedDateTimeUtc: time(sql`v."updatedTime"`),
      outcome: { kind: 'json', document: ending, segments: ['outcome'] },
      error: { kind: 'json', document: ending, segments: ['error'] },
    }),
    // Azure's documentation uses this name in conditions; no row has it.
    ['createdtimeutc', { name: 'createdDateTimeUtc', field: createdTime }],
  ]),
}
