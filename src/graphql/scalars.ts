import { GraphQLError } from 'graphql'
import { dateTimeExample, parseZonedDateTime, printDateTime } from '../date-time.ts'
import { serializeJson } from '../json/json-as-written.ts'
import { builder } from './builder.ts'

builder.scalarType('DateTime', {
  description:
    'A point in time as ISO 8601 text with an offset, such as `2026-03-01T06:30:00Z`, in the years 1 to 9999. Dates that do not exist are errors. Results are always in UTC with milliseconds.',
  serialize: printDateTime,
  parseValue: (value) => {
    const date = typeof value === 'string' ? parseZonedDateTime(value) : undefined
    if (date !== undefined) return date
    throw new GraphQLError(
      `A DateTime is ISO 8601 text with an offset, such as "${dateTimeExample}". The day must exist, in the years 1 to 9999.`,
    )
  },
})

builder.scalarType('JSON', {
  description:
    'Any JSON value. In arguments, numbers are IEEE 754 doubles: digits beyond their precision are lost, and numbers beyond their range, such as `1e999`, are errors. Values from devices keep all their digits, such as `1e999` or `12345678901234567890`.',
  serialize: serializeJson,
  parseValue: (value) => value,
})
