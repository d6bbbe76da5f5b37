import { formatCount, formatDevices } from '../../format.ts'

/** On how many devices the hub has cancelled a job, and how many others had a call in progress. */
export type CancelledDevices = { readonly cancelledCount: number; readonly callsInProgress: number }

/** The result of cancelling a job on so many devices: `Cancelled on 3 of 5 devices. 2 devices may still respond.` */
export function describeCancelled(asked: number, { cancelledCount, callsInProgress }: CancelledDevices): string {
  const devices = formatDevices(asked)
  if (cancelledCount === asked) return `Cancelled on ${devices}.`
  const others = asked - cancelledCount - callsInProgress
  return [
    `Cancelled on ${cancelledCount === 0 ? 'none' : formatCount(cancelledCount)} of ${devices}.`,
    ...(callsInProgress === 0 ? [] : [`${formatDevices(callsInProgress)} with a pending call may still respond.`]),
    ...(others === 0 ? [] : [`${formatDevices(others)} had finished before.`]),
  ].join(' ')
}
