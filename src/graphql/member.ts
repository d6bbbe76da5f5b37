/**
 * The text as a member of a union of texts: columns are text to Prisma, and the database's checks allow no other. An
 * Error for anything else, which is a fault of this program.
 */
export function memberOf<Member extends string>(members: readonly Member[], text: string): Member {
  const member = members.find((candidate) => candidate === text)
  if (member === undefined) throw new Error(`"${text}" is none of ${members.join(', ')}.`)
  return member
}
