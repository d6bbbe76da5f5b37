import type { JobAsScheduledFragment, JobNowFragment, JobTargets } from '../../../generated/console/graphql.ts'

type Selection = NonNullable<JobAsScheduledFragment['retrySelection']>

/**
 * The devices of a retry in words: `20 devices of firmware-reboot-all that answered 409`. `deviceCount` is undefined
 * before they are selected. Without a selection, which persons with a scope may not see, only the job is named.
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

/** Why a job has no devices. */
export function describeNoDevices(
  targets: JobTargets,
  { selectedTime, startedTime, endTime }: Pick<JobNowFragment, 'selectedTime' | 'startedTime' | 'endTime'>,
): string {
  if (endTime !== null && startedTime === null) return 'The job did not start. No devices were changed.'
  if (selectedTime === null) {
    return targets === 'AT_CREATION' ? 'Devices are being selected.' : 'Devices are selected when the job starts.'
  }
  if (targets === 'AT_CREATION') return 'No devices matched when the job was created.'
  if (targets === 'AT_START') return 'No devices matched when the job started.'
  return endTime === null ? 'No devices match yet.' : 'No devices matched while the job ran.'
}
