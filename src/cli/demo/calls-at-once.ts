import type { LedgerEntry } from '../../simulator/received-calls.ts'

type Call = Pick<LedgerEntry, 'deviceId' | 'time' | 'answeredTime'>

/** The maximum number of calls that a group of devices was working on at a time, as the devices know it. */
export function mostAtOnce(calls: readonly Call[], groupOf: (deviceId: string) => string): number {
  const changes = calls.flatMap(({ deviceId, time, answeredTime }) => [
    { deviceId, time, by: 1 },
    ...(answeredTime === undefined ? [] : [{ deviceId, time: answeredTime, by: -1 }]),
  ])
  // A call may begin in the millisecond in which another one has ended.
  changes.sort((one, other) => one.time - other.time || one.by - other.by)
  const inProgress = new Map<string, number>()
  let most = 0
  for (const { deviceId, by } of changes) {
    const group = groupOf(deviceId)
    const count = (inProgress.get(group) ?? 0) + by
    inProgress.set(group, count)
    most = Math.max(most, count)
  }
  return most
}
