/**
 * Options of a field that can fail by itself: for a right, a limit or its load, or because its object was deleted in
 * the meantime. Such a field is nullable, so that its error leaves the rest of the answer.
 */
export const mayFail = (description: string) => ({
  nullable: true as const,
  description: `${description} Null only with an error.`,
})
