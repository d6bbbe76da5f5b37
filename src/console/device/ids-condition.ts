import { quote } from './address.ts'

/** The most characters of a condition that the hub takes. */
const mostCharacters = 8192

/** The condition that these devices meet, and no others. */
export function idsCondition(deviceIds: readonly string[]): string {
  return `deviceId IN [${deviceIds.map(quote).join(', ')}]`
}

/** Why the hub does not take a condition of this length, with what to do `instead`; undefined when it takes it. */
export function whyTooLong(condition: string, instead: string): string | undefined {
  if (condition.length <= mostCharacters) return undefined
  return `The IDs of so many devices are too long for a condition. ${instead}`
}
