import { quote } from './address.ts'

/** The most characters of a condition that the hub takes. */
const mostCharacters = 8192

/** The condition that these devices meet, and no others. */
export function idsCondition(deviceIds: readonly string[]): string {
  return `deviceId IN [${deviceIds.map(quote).join(', ')}]`
}

/** Whether the hub takes a condition of this length. */
export function isShortEnough(condition: string): boolean {
  return condition.length <= mostCharacters
}
