import { useSyncExternalStore } from 'react'

const key = 'twincast-scheduled'
const listeners = new Set<() => void>()
let known: readonly string[] | undefined

/** The IDs of jobs that were scheduled in this tab and whose end has not been shown. They survive a reload. */
function ownJobs(): readonly string[] {
  known ??= JSON.parse(sessionStorage.getItem(key) ?? '[]')
  return known ?? []
}

/** The same for a component, which renders again when they change. */
export function useOwnJobs(): readonly string[] {
  return useSyncExternalStore(subscribe, ownJobs)
}

/** Adds a job that was scheduled. */
export function addOwnJob(jobId: string): void {
  keep([...ownJobs().filter((one) => one !== jobId), jobId])
}

/** Removes a job whose end was shown. */
export function removeOwnJob(jobId: string): void {
  if (ownJobs().includes(jobId)) keep(ownJobs().filter((one) => one !== jobId))
}

function keep(jobIds: readonly string[]): void {
  known = jobIds
  sessionStorage.setItem(key, JSON.stringify(jobIds))
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
