/** A typed text as a whole number; undefined if it is not a whole number within GraphQL's Int. */
export function readInt(text: string): number | undefined {
  const typed = readNumber(text)
  return typed !== undefined && isInt(typed) ? typed : undefined
}

/** A typed text as a whole number with or without a sign; undefined if it is not one within GraphQL's Int. */
export function readSignedInt(text: string): number | undefined {
  const [, sign, digits] = /^\s*(-?)(\d.*)$/s.exec(text) ?? []
  const number = readInt(digits ?? '')
  return number === undefined || sign === '' || number === 0 ? number : -number
}

/** A typed text as a number without a sign; undefined if it is not one. */
export function readNumber(text: string): number | undefined {
  return /^\s*\d+(?:\.\d+)?\s*$/.test(text) ? Number(text) : undefined
}

/** Whether a number that is not negative is within GraphQL's Int. */
export function isInt(number: number): boolean {
  return Number.isInteger(number) && number < 2 ** 31
}
