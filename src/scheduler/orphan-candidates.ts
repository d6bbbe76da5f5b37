import type { DeviceJobKey, Dispatch } from '../job/store/facts.ts'

/**
 * Calls that no instance may be waiting for: the instance that sent them died, or it is unknown whether their marks
 * were committed. They are kept until they are due, so that the table of marks need not be searched for them. An entry
 * says when to check a mark, not what will be found: by then the mark may have an outcome, or be gone or replaced.
 */
export type OrphanCandidates = {
  readonly size: number
  /** For a known call, the earlier time counts. */
  add(calls: Iterable<OrphanCandidate>): void
  /** Up to `limit` calls that are due, except those of jobs that are left for later. */
  due(now: Date, limit: number, isLeft: (jobId: string) => boolean): OrphanCandidate[]
  remove(call: DeviceJobKey): void
}

/** Due so many milliseconds after its deadline: until then, an instance that is alive and waits for the call ends it. */
export type OrphanCandidate = Dispatch & { readonly graceMs: number }

/** When a call is due, in milliseconds since 1970 UTC. */
export const dueTimeOf = ({ deadline, graceMs }: Pick<OrphanCandidate, 'deadline' | 'graceMs'>): number =>
  deadline.getTime() + graceMs

/** A device job as one text. A job id contains no line break. */
export const nameOf = ({ jobId, deviceId }: DeviceJobKey): string => `${jobId}\n${deviceId}`

export function createOrphanCandidates(): OrphanCandidates {
  const calls = new Map<string, OrphanCandidate>()
  return {
    get size() {
      return calls.size
    },
    add(more) {
      for (const call of more) {
        const name = nameOf(call)
        const known = calls.get(name)
        if (known === undefined || dueTimeOf(call) < dueTimeOf(known)) calls.set(name, call)
      }
    },
    due(now, limit, isLeft) {
      const due: OrphanCandidate[] = []
      for (const call of calls.values()) {
        if (dueTimeOf(call) <= now.getTime() && !isLeft(call.jobId) && due.push(call) === limit) break
      }
      return due
    },
    remove: (call) => void calls.delete(nameOf(call)),
  }
}
