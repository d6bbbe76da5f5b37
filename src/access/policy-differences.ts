import type { Policy } from './policy.ts'

/**
 * How the policies that an instance was given differ from those of the other instances: sentences that name policies
 * and quote no key. The primary key of `iothubowner` is not compared, because it is configured separately.
 */
export function policyDifferences(given: readonly Policy[], used: readonly Policy[]): string[] {
  const differences = given.flatMap((mine) => {
    const theirs = used.find(({ name }) => name === mine.name)
    return theirs === undefined ? [`the other hubs have no policy "${mine.name}"`] : differencesOf(mine, theirs)
  })
  const missing = used.filter(({ name }) => given.every((mine) => mine.name !== name))
  return [...differences, ...missing.map(({ name }) => `the policy "${name}" is missing`)]
}

function differencesOf(mine: Policy, theirs: Policy): string[] {
  const same = {
    rights: mine.rights.size === theirs.rights.size && [...mine.rights].every((right) => theirs.rights.has(right)),
    'primary key': mine.primaryKey === theirs.primaryKey || mine.name === 'iothubowner',
    'secondary key': mine.secondaryKey === theirs.secondaryKey,
  }
  return Object.entries(same).flatMap(([part, isSame]) =>
    isSame ? [] : [`the ${part} of "${mine.name}" ${part === 'rights' ? 'differ' : 'differs'} from the other hubs`],
  )
}
