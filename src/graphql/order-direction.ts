import { builder } from './builder.ts'

/** The direction of a list. */
export const OrderDirection = builder.enumType('OrderDirection', {
  description: 'The sort direction.',
  values: {
    ASC: { value: 'asc', description: 'Ascending: the smallest or earliest first.' },
    DESC: { value: 'desc', description: 'Descending: the largest or latest first.' },
  } as const,
})
