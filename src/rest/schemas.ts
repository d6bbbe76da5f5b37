// The bodies of the REST API, as described in the OpenAPI document. docs/rest.md has the complete rules.

/** The types of JSON, with integers for numbers. */
export type JsonType = 'object' | 'array' | 'string' | 'integer' | 'boolean' | 'null'

/** The part of JSON Schema that is used here. */
export type Schema = {
  readonly $ref?: string
  readonly type?: JsonType | readonly JsonType[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: boolean
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly minItems?: number
  readonly maxItems?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly format?: 'date-time'
  readonly enum?: readonly string[]
  readonly default?: string | number
  readonly example?: string
  readonly description?: string
  readonly readOnly?: boolean
  readonly deprecated?: boolean
}

const text: Schema = { type: 'string' }
const textOrNull: Schema = { type: ['string', 'null'] }
const count: Schema = { type: 'integer', minimum: 0 }
const time: Schema = { type: 'string', format: 'date-time' }
const timeOrNull: Schema = { type: ['string', 'null'], format: 'date-time' }
const anyObject: Schema = { type: 'object', additionalProperties: true }
const readOnly = (schema: Schema): Schema => ({ ...schema, readOnly: true })
const prefix = '#/components/schemas/'
const reference = (name: string): Schema => ({ $ref: `${prefix}${name}` })
const listOf = (items: Schema): Schema => ({ type: 'array', items })
const object = (properties: Readonly<Record<string, Schema>>, required: readonly string[] = []): Schema => ({
  type: 'object',
  properties,
  ...(required.length > 0 && { required }),
})

const symmetricKey = object({ primaryKey: textOrNull, secondaryKey: textOrNull })
const x509Thumbprint = object({ primaryThumbprint: textOrNull, secondaryThumbprint: textOrNull })
const authentication = object({
  type: { type: 'string', enum: ['sas', 'selfSigned', 'certificateAuthority', 'none'] },
  symmetricKey,
  x509Thumbprint,
})
const status: Schema = { type: 'string', enum: ['enabled', 'disabled'], default: 'enabled' }
const connectionState: Schema = { type: 'string', enum: ['Connected', 'Disconnected'], readOnly: true }
const capabilities = object({ iotEdge: { type: 'boolean' } })
const properties = object({ desired: anyObject, reported: readOnly(anyObject) })
const jobType: Schema = { type: 'string', enum: ['scheduleDeviceMethod', 'scheduleUpdateTwin'] }
const seconds = (minimum: number, maximum: number, fallback: number): Schema => ({
  type: 'integer',
  minimum,
  maximum,
  default: fallback,
})
const methodCall = {
  methodName: { type: 'string', minLength: 1, maxLength: 100 },
  payload: { description: 'Any JSON, up to 128 KB.' },
  responseTimeoutInSeconds: seconds(5, 300, 30),
  connectTimeoutInSeconds: seconds(0, 300, 0),
} as const
const jobRequest = {
  jobId: { type: ['string', 'integer'], pattern: '^[A-Za-z0-9-]{1,64}$' },
  type: jobType,
  queryCondition: { type: 'string', example: "tags.building = 43 AND status = 'enabled'" },
  startTime: timeOrNull,
  maxExecutionTimeInSeconds: seconds(1, 2_592_000, 3_600),
  cloudToDeviceMethod: object(
    { ...methodCall, timeoutInSeconds: { ...methodCall.responseTimeoutInSeconds, deprecated: true } },
    ['methodName'],
  ),
  updateTwin: object({ etag: { type: 'string', enum: ['*'] }, tags: anyObject, properties }),
} as const

/** All schemas, by name. */
export const schemas = {
  Device: object({
    deviceId: { type: ['string', 'integer'] },
    generationId: readOnly(text),
    etag: readOnly(text),
    connectionState,
    status,
    statusReason: textOrNull,
    connectionStateUpdatedTime: readOnly(time),
    statusUpdatedTime: readOnly(time),
    lastActivityTime: readOnly(time),
    cloudToDeviceMessageCount: readOnly(count),
    authentication,
    capabilities,
  }),
  Devices: listOf(reference('Device')),
  BulkRequest: {
    ...listOf(
      object(
        {
          id: text,
          importMode: {
            type: 'string',
            description: 'Case-insensitive.',
            default: 'create',
            enum: [
              'create',
              'update',
              'updateIfMatchETag',
              'createOrUpdate',
              'createOrUpdateIfMatchETag',
              'delete',
              'deleteIfMatchETag',
              'updateTwin',
              'updateTwinIfMatchETag',
            ],
          },
          eTag: text,
          etag: { ...text, deprecated: true },
          status,
          statusReason: textOrNull,
          authentication,
          capabilities,
          twinETag: text,
          twinEtag: { ...text, deprecated: true },
          tags: anyObject,
          properties,
        },
        ['id'],
      ),
    ),
    minItems: 1,
    maxItems: 100,
  },
  BulkResult: object({
    isSuccessful: { type: 'boolean' },
    errors: listOf(object({ deviceId: text, errorCode: text, errorStatus: text, operation: text })),
    warnings: listOf(object({ deviceId: text, warningCode: text, warningStatus: text })),
  }),
  DeviceStatistics: object({ totalDeviceCount: count, enabledDeviceCount: count, disabledDeviceCount: count }),
  ServiceStatistics: object({ connectedDeviceCount: count }),
  Twin: object({
    deviceId: readOnly(text),
    etag: readOnly(text),
    deviceEtag: readOnly(text),
    status: readOnly(status),
    statusReason: readOnly(textOrNull),
    statusUpdateTime: readOnly(time),
    connectionState,
    lastActivityTime: readOnly(time),
    cloudToDeviceMessageCount: readOnly(count),
    authenticationType: readOnly(text),
    x509Thumbprint: readOnly(x509Thumbprint),
    modelId: readOnly(text),
    version: readOnly(count),
    capabilities: readOnly(capabilities),
    tags: anyObject,
    properties,
  }),
  MethodCall: object(methodCall, ['methodName']),
  MethodResponse: object({ status: { type: 'integer' }, payload: { description: 'Any JSON.' } }),
  JobRequest: object(jobRequest, ['type', 'queryCondition']),
  Job: object({
    ...jobRequest,
    status: {
      type: 'string',
      enum: ['queued', 'scheduled', 'running', 'completed', 'failed', 'cancelled', 'unknown'],
    },
    createdTime: time,
    startTime: time,
    endTime: timeOrNull,
    failureReason: text,
    statusMessage: text,
    deviceJobStatistics: object({
      deviceCount: count,
      failedCount: count,
      succeededCount: count,
      runningCount: count,
      pendingCount: count,
      cancelledCount: count,
    }),
  }),
  Jobs: listOf(reference('Job')),
  Query: object({ query: { type: 'string', maxLength: 8192, example: 'SELECT * FROM devices' } }, ['query']),
  Rows: listOf(anyObject),
  Error: object({ Message: text, ExceptionMessage: text }, ['Message']),
} as const satisfies Readonly<Record<string, Schema>>

/** The name of a body. */
export type SchemaName = keyof typeof schemas

const byName: ReadonlyMap<string, Schema> = new Map(Object.entries(schemas))

/** The target of a reference. */
export function schemaAt(reference: string): Schema {
  const schema = byName.get(reference.slice(prefix.length))
  if (schema === undefined) throw new Error(`Unknown schema ${reference}.`)
  return schema
}
