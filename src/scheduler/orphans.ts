import type { DeviceJobKey, Dispatch } from '../job/store/facts.ts'

/**
 * Calls that nobody may be waiting for: the instance that sent them died, or it is not known whether their marks were
 * committed. They are kept here until they are due, so that the table of marks need not be searched for them. It says when
 * to look at a mark, not what will be found: it may have an outcome by then, or be gone, or be another.
 */
export type Orphans = {
  readonly size: number
  /** Of one that is known, the earlier deadline counts. */
  add(calls: Iterable<Dispatch>): void
  /** Up to `limit` whose deadline has passed. */
  due(now: Date, limit: number): Dispatch[]
  remove(call: DeviceJobKey): void
}

export function createOrphans(): Orphans {
  const calls = new Map<string, Dispatch>()
  // A job id holds no line break.
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
