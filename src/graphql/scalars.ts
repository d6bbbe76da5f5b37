import { GraphQLError } from 'graphql'
import { NotShownError } from '../errors.ts'
import { isDeeper, maxPrintedDepth } from '../json.ts'
import { builder } from './builder.ts'

const iso8601 = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/

builder.scalarType('DateTime', {
  description:
    'A moment as ISO 8601 text with its offset, such as `2026-03-01T06:30:00Z`. Answers are always in UTC with milliseconds.',
  serialize: (date) => date.toISOString(),
  parseValue: (value) => {
    const date = new Date(typeof value === 'string' && iso8601.test(value) ? value : Number.NaN)
    if (Number.isNaN(date.getTime())) {
      throw new GraphQLError('A DateTime is ISO 8601 text with an offset, such as "2026-03-01T06:30:00Z".')
    }
    return date
  },
})

builder.scalarType('JSON', {
  description: 'Any JSON value. Numbers are IEEE 754 doubles: integers beyond ±(2^53 - 1) lose digits.',
  serialize: (value) => {
    if (isDeeper(value, maxPrintedDepth)) {
      throw new NotShownError(`This value is nested more than ${maxPrintedDepth} levels deep and is not shown.`)
    }
    return value
  },
  parseValue: (value) => value,
})
