import { GraphQLError } from 'graphql'

/** The number of rows of a short list without pages, by its argument `first` or `last`. INVALID_PAGE_SIZE. */
export function sizeOf(
  given: number | null | undefined,
  preset: number,
  maximum: number,
  argument: 'first' | 'last' = 'first',
): number {
  const size = given ?? preset
  if (size >= 1 && size <= maximum) return size
  throw new GraphQLError(`"${argument}" is ${size}. It must be 1 to ${maximum} here.`, {
    extensions: { code: 'INVALID_PAGE_SIZE' },
  })
}

/** The same before the check. */
export const countOf = (given: number | null | undefined, preset: number, maximum: number): number =>
  Math.min(Math.max(given ?? preset, 1), maximum)

/** The complexity of a list with so many rows, plus `own` for the list itself. */
export const listComplexity = (count: number, own = 0) => ({ field: own + count, multiplier: count })
