/** A count: a number if it is exact, otherwise such as `≥ 10000`. */
export const printCount = ({
  value,
  precision,
}: {
  readonly value: number
  readonly precision: string
}): number | string => (precision === 'EXACT' ? value : `≥ ${value}`)
