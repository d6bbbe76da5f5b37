import type { PreviewCount as Count } from '../../job/preview.ts'
import { builder } from '../builder.ts'

const CountPrecision = builder.enumType('CountPrecision', {
  description: 'Whether a count is exact.',
  values: {
    EXACT: { value: 'exact', description: 'The count is exact.' },
    AT_LEAST: {
      value: 'atLeast',
      description: 'The actual number may be higher. Counting stopped because it would have taken too long.',
    },
  } as const,
})

/** Maximum count of the devices of a job that wait or have left. */
export const mostCounted = 10_000

/** A count up to one more than the maximum. */
export const capped = (count: number): Count =>
  count > mostCounted ? { value: mostCounted, precision: 'atLeast' } : { value: count, precision: 'exact' }

/** A count with a time limit. */
export const PreviewCount = builder.objectRef<Count>('PreviewCount').implement({
  description: 'A count with a time limit, and its precision.',
  fields: (t) => ({
    value: t.exposeInt('value', { description: 'The number that was counted.' }),
    precision: t.expose('precision', {
      type: CountPrecision,
      description: 'Whether `value` is exact or a lower bound.',
    }),
  }),
})
