import type { JobAsScheduledFragment } from '../../../generated/console/graphql.ts'

type Selection = NonNullable<JobAsScheduledFragment['retrySelection']>

/**
 * The devices of a retry in words: `20 devices of firmware-reboot-all that answered 409`. `deviceCount` is undefined
 * before the start. Without a selection, which persons with a scope may not see, only the job is named.
 */
export function describeRetried(
  jobId: string,
  selection: Selection | null,
  deviceCount: number | undefined,
  formatCount: (count: number) => string,
): string {
  const devices =
    deviceCount === undefined ? 'Devices' : `${formatCount(deviceCount)} ${deviceCount === 1 ? 'device' : 'devices'}`
  return [`${devices} of ${jobId}`, ...(selection === null ? [] : restrictionOf(selection))].join(' ')
}

function restrictionOf({ status, result, errorCode, responseStatus }: Selection): readonly string[] {
  if (responseStatus !== null) return [`that answered ${listed(responseStatus)}`]
  if (errorCode !== null) return [`that failed with ${listed(errorCode)}`]
  const states = new Set<string>(result ?? status ?? [])
  const isAll = result === null ? states.size === 3 : states.size === 4
  if (isAll || states.size === 0) return []
  return [`that ${listed([...states].map((state) => deeds[state] ?? state))}`]
}

/** What a device did that ended so. */
const deeds: Readonly<Record<string, string>> = {
  SUCCEEDED: 'succeeded',
  COMPLETED: 'completed the operation',
  REFUSED: 'refused',
  FAILED: 'failed',
  CANCELLED: 'were not reached',
}

function listed(values: readonly (string | number)[]): string {
  const words = values.map(String)
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}
