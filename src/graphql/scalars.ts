import { GraphQLError } from 'graphql'
import { dateTimeExample, parseZonedDateTime } from '../date-time.ts'
import { builder } from './builder.ts'
import { serializeJson } from './transport/written.ts'

builder.scalarType('DateTime', {
  description:
    'A moment as ISO 8601 text with its offset, such as `2026-03-01T06:30:00Z`, in the years 1 to 9999. A day that does not exist is an error. Answers are always in UTC with milliseconds.',
  serialize: (date) => date.toISOString(),
  parseValue: (value) => {
    const date = typeof value === 'string' ? parseZonedDateTime(value) : undefined
    if (date !== undefined) return date
    throw new GraphQLError(
      `A DateTime is ISO 8601 text with an offset, such as "${dateTimeExample}", of a day that exists in the years 1 to 9999.`,
    )
  },
})

builder.scalarType('JSON', {
  description:
    'Any JSON value. In arguments numbers are IEEE 754 doubles: digits beyond those are lost, and what is beyond their range, such as `1e999`, is refused. What a device sent comes with its digits, such as `1e999` or `12345678901234567890`.',
  serialize: serializeJson,
  parseValue: (value) => value,
})
