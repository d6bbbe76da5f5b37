/** How long to wait between attempts, in milliseconds: `first` after the first failure, and never more than `longest`. */
export type BackOff = { readonly first: number; readonly longest: number }

/**
 * Milliseconds to wait after `failures` earlier failures in a row. The pause doubles with each of them, and up to half of it
 * is taken off at random, so that those that failed together do not try again together.
 */
export const backOff = ({ first, longest }: BackOff, failures: number): number =>
  Math.min(first * 2 ** failures, longest) * (0.5 + Math.random() / 2)
