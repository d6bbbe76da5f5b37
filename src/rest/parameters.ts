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
    description: 'Which version of IoT Hub the client speaks: YYYY-MM-DD, perhaps with -preview. All are read alike.',
    schema: { type: 'string', pattern: '^\\d{4}-\\d{2}-\\d{2}(-preview)?$', example: '2021-04-12' },
    required: true,
  },
  'If-Match': {
    in: 'header',
    description: 'An etag, or * for whatever it is now; quoted or not.',
    schema: { type: 'string' },
  },
  top: {
    in: 'query',
    description: 'Devices at most; never more than 1,000.',
    schema: { type: 'integer', minimum: 1, default: 1000 },
  },
  jobType: {
    in: 'query',
    description: 'Jobs of this type only. The case does not matter.',
    schema: { type: 'string', enum: ['scheduleDeviceMethod', 'scheduleUpdateTwin'] },
  },
  jobStatus: {
    in: 'query',
    description: 'Jobs in this status only. The case does not matter; pending and enqueued are queued.',
    schema: { type: 'string', enum: ['queued', 'scheduled', 'running', 'completed', 'failed', 'cancelled'] },
  },
  'x-ms-max-item-count': {
    in: 'header',
    description: 'Rows at most; never more than 1,000.',
    schema: size,
  },
  'x-ms-continuation': {
    in: 'header',
    description: 'Where the page before ended: the header of the same name in its answer.',
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
