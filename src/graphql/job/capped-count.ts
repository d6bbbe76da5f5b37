import type { PreviewCount as Count } from '../../job/preview.ts'
import { builder } from '../builder.ts'

const CountPrecision = builder.enumType('CountPrecision', {
  description: 'How far a count can be relied upon.',
  values: {
    EXACT: { value: 'exact', description: 'All are counted.' },
    AT_LEAST: { value: 'atLeast', description: 'There may be more: counting all would have taken too long.' },
  } as const,
})

/** A count that is bounded in time. */
export const PreviewCount = builder.objectRef<Count>('PreviewCount').implement({
  description: 'A count that is bounded in time, and says so.',
  fields: (t) => ({
    value: t.exposeInt('value', { description: 'How many were counted.' }),
    precision: t.expose('precision', { type: CountPrecision, description: 'Whether these are all.' }),
  }),
})
