import { builder } from './builder.ts'

/** A range in a filter. */
export const DateTimeRange = builder.inputType('DateTimeRange', {
  description: 'A time range. Without `from` or `to`, the range is open on that side.',
  fields: (t) => ({
    from: t.field({ type: 'DateTime', description: 'Start of the range, inclusive.' }),
    to: t.field({ type: 'DateTime', description: 'End of the range, exclusive.' }),
  }),
})
