/** The code of the groups of devices that answered, with a status that says that they could not do it. */
export const deviceResponse = 'DeviceResponse'

/** Device jobs of a job that went wrong in the same way. `responseStatus` is that of devices that answered. */
export type FailureGroup = {
  readonly code: string
  readonly message: string
  readonly responseStatus: number | null
  readonly count: number
}

/** Failures of a job after some version of it, or all of them, as they stood at `version`. */
export type Failures = {
  readonly version: number
  readonly hasEnded: boolean
  readonly groups: readonly FailureGroup[]
}

/** The failures of a job up to one of its versions, the largest group first. */
export type FailureTally = {
  /** Null: nothing was read yet. */
  readonly version: number | null
  /** Whether it will never change, for the job has ended. */
  readonly isFinal: boolean
  /** Whether no group was left out because there were too many. */
  readonly isWhole: boolean
  readonly groups: readonly FailureGroup[]
}

/**
 * Groups that are kept of a job: more than can be asked for. No job should have so many; of one that has, the smallest
 * may be counted short while it runs, and at its end all are counted anew.
 */
export const mostGroups = 200

/** What is known before anything was read. */
export const noFailures: FailureTally = { version: null, isFinal: false, isWhole: true, groups: [] }

/** Where a job is. */
export type JobAtVersion = { readonly version: number; readonly endTime: Date | null }

/** Whether a tally has all that the job had when it was at that version. */
export const isUpToDate = (tally: FailureTally, { version, endTime }: JobAtVersion): boolean =>
  tally.isFinal || (endTime === null && tally.version !== null && tally.version >= version)

/** After which version failures are to be read to bring a tally up to date; null is all of them. */
export const missingSince = ({ version, isWhole }: FailureTally, { endTime }: JobAtVersion): number | null =>
  isWhole || endTime === null ? version : null

/** A tally with the failures after its version. */
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
