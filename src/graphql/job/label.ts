import type { Labels } from '../../job/naming.ts'
import { builder } from '../builder.ts'

type Label = { readonly name: string; readonly value: string }

export const JobLabel = builder.objectRef<Label>('JobLabel').implement({
  description: 'A label of a job.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The name of the label.' }),
    value: t.exposeString('value', { description: 'The value of the label.' }),
  }),
})

/** In the order of the names. */
export const labelsIn = (labels: Labels | null): Label[] =>
  Object.entries(labels ?? {})
    .map(([name, value]) => ({ name, value }))
    .sort((one, other) => (one.name < other.name ? -1 : 1))
