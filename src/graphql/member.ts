/**
 * The text as a member of a union of string literals. Columns are plain text to Prisma; checks in the database restrict
 * their values. Throws an Error for any other text, which is a fault of this program.
 */
export function memberOf<Member extends string>(members: readonly Member[], text: string): Member {
  const member = members.find((candidate) => candidate === text)
  if (member === undefined) throw new Error(`"${text}" is not one of ${members.join(', ')}.`)
  return member
}
