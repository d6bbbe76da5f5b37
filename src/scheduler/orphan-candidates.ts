import type { DeviceJobKey, Dispatch } from '../job/store/facts.ts'

/**
 * Calls that no instance may be waiting for: the instance that sent them died, or it is unknown whether their marks
 * were committed. They are kept until they are due, so that the table of marks need not be searched for them. An entry
 * says when to check a mark, not what will be found: by then the mark may have an outcome, or be gone or replaced.
 */
export type OrphanCandidates = {
  readonly size: number
  /** For a known call, the earlier deadline counts. */
  add(calls: Iterable<Dispatch>): void
  /** Up to `limit` calls whose deadline has passed. */
  due(now: Date, limit: number): Dispatch[]
  remove(call: DeviceJobKey): void
}

export function createOrphanCandidates(): OrphanCandidates {
  const calls = new Map<string, Dispatch>()
  // A job id contains no line break.
  const nameOf = ({ jobId, deviceId }: DeviceJobKey): string => `${jobId}\n${deviceId}`
  return {
    get size() {
      return calls.size
    },
    add(more) {
      for (const call of more) {
        const name = nameOf(call)
        const known = calls.get(name)
        if (known === undefined || call.deadline < known.deadline) calls.set(name, call)
      }
    },
    due(now, limit) {
      const due: Dispatch[] = []
      for (const call of calls.values()) {
        if (call.deadline <= now && due.push(call) === limit) break
      }
      return due
    },
    remove: (call) => void calls.delete(nameOf(call)),
  }
}
