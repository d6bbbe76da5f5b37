/** A header or a query parameter, as described in the OpenAPI document. */
export type Parameter = {
  readonly in: 'header' | 'query'
  readonly description: string
  readonly schema: Readonly<Record<string, unknown>>
  readonly required?: true
  readonly deprecated?: true
}

const size = { type: 'integer', minimum: 1, default: 100 }

/** All parameters, by name. */
export const parameters = {
  'api-version': {
    in: 'query',
    description:
      'The IoT Hub API version of the client: YYYY-MM-DD, optionally followed by -preview. All versions are treated alike.',
    schema: { type: 'string', pattern: '^\\d{4}-\\d{2}-\\d{2}(-preview)?$', example: '2021-04-12' },
    required: true,
  },
  'If-Match': {
    in: 'header',
    description: 'An etag, quoted or not, or * for any etag.',
    schema: { type: 'string' },
  },
  top: {
    in: 'query',
    description: 'The maximum number of devices. Larger values than 1,000 count as 1,000.',
    schema: { type: 'integer', minimum: 1, default: 1000 },
  },
  jobType: {
    in: 'query',
    description: 'Only jobs of this type. Case-insensitive.',
    schema: { type: 'string', enum: ['scheduleDeviceMethod', 'scheduleUpdateTwin'] },
  },
  jobStatus: {
    in: 'query',
    description: 'Only jobs in this status. Case-insensitive. pending and enqueued mean queued.',
    schema: { type: 'string', enum: ['queued', 'scheduled', 'running', 'completed', 'failed', 'cancelled'] },
  },
  'x-ms-max-item-count': {
    in: 'header',
    description: 'The maximum number of rows. Larger values than 1,000 count as 1,000.',
    schema: size,
  },
  'x-ms-continuation': {
    in: 'header',
    description: 'The continuation token: the value of this header in the response with the previous page.',
    schema: { type: 'string' },
  },
  pageSize: { in: 'query', description: 'The same as x-ms-max-item-count.', schema: size, deprecated: true },
  continuationToken: {
    in: 'query',
    description: 'The same as x-ms-continuation.',
    schema: { type: 'string' },
    deprecated: true,
  },
} as const satisfies Readonly<Record<string, Parameter>>

/** The name of a parameter. */
export type ParameterName = keyof typeof parameters
