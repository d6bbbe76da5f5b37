/** The code of groups of devices that answered with a status of failure. */
export const deviceResponse = 'DeviceResponse'

/** Device jobs of a job that failed for the same reason. `responseStatus` is the status of devices that answered. */
export type FailureGroup = {
  readonly code: string
  readonly message: string
  readonly responseStatus: number | null
  readonly count: number
}

/** Failures of a job after one of its versions, or all of them, as of `version`. */
export type Failures = {
  readonly version: number
  readonly hasEnded: boolean
  readonly groups: readonly FailureGroup[]
}

/** The failures of a job up to one of its versions, the largest group first. */
export type FailureTally = {
  /** Null: nothing has been read yet. */
  readonly version: number | null
  /** Whether it can no longer change because the job has ended. */
  readonly isFinal: boolean
  /** Whether no group was left out because there were too many. */
  readonly isWhole: boolean
  readonly groups: readonly FailureGroup[]
}

/**
 * Maximum number of groups kept per job: more than can be requested. If a job has more, the smallest ones may be
 * counted too low while it runs; at its end all are counted again.
 */
export const mostGroups = 200

/** The tally before anything was read. */
export const noFailures: FailureTally = { version: null, isFinal: false, isWhole: true, groups: [] }

/** The state of a job. */
export type JobAtVersion = { readonly version: number; readonly endTime: Date | null }

/** Whether a tally contains everything that the job had at that version. */
export const isUpToDate = (tally: FailureTally, { version, endTime }: JobAtVersion): boolean =>
  tally.isFinal || (endTime === null && tally.version !== null && tally.version >= version)

/** After which version failures must be read to bring a tally up to date; null means all of them. */
export const missingSince = ({ version, isWhole }: FailureTally, { endTime }: JobAtVersion): number | null =>
  isWhole || endTime === null ? version : null

/** A tally with the failures after its version added. */
export function addFailures(tally: FailureTally, { version, hasEnded, groups }: Failures): FailureTally {
  const sums = new Map<string, FailureGroup>()
  for (const group of [...tally.groups, ...groups]) {
    const key = JSON.stringify([group.code, group.message, group.responseStatus])
    sums.set(key, { ...group, count: group.count + (sums.get(key)?.count ?? 0) })
  }
  const isWhole = tally.isWhole && sums.size <= mostGroups
  return {
    version,
    isFinal: hasEnded && (isWhole || tally.version === null),
    isWhole,
    groups: [...sums.values()].sort(byCount).slice(0, mostGroups),
  }
}

const byCount = (a: FailureGroup, b: FailureGroup): number =>
  b.count - a.count || compare(a.code, b.code) || compare(a.message, b.message)

const compare = (a: string, b: string): number => Number(a > b) - Number(a < b)
