import type { JobDeviceFragment } from '../../../generated/console/graphql.ts'

/** A step of a device job. `time` is null for one that is not reached, or whose time the hub does not know. */
export type Step = {
  readonly word: string
  readonly time: string | null
  /** Seconds since the step before that has a time; null for the first. */
  readonly seconds: number | null
}

/** The steps of a device job: selected, sent if it is a call, ended. */
export function stepsOf(
  {
    startTime,
    endTime,
    result,
    skipped,
    outcome,
  }: Pick<JobDeviceFragment, 'startTime' | 'endTime' | 'result' | 'skipped' | 'outcome'>,
  { selectedTime, isMethod }: { readonly selectedTime: string | null; readonly isMethod: boolean },
): readonly Step[] {
  const times = [
    { word: 'Selected', time: selectedTime },
    ...(isMethod ? [{ word: 'Sent', time: startTime }] : []),
    { word: outcome === null ? (skipped ? 'Skipped' : endWord(result, isMethod)) : 'Answered', time: endTime },
  ]
  let before: number | undefined
  return times.map(({ word, time }) => {
    const at = time === null ? undefined : Date.parse(time)
    const seconds = at === undefined || before === undefined ? null : Math.max(0, at - before) / 1_000
    before = at ?? before
    return { word, time, seconds }
  })
}

function endWord(result: JobDeviceFragment['result'], isMethod: boolean): string {
  switch (result) {
    case 'FAILED':
      return 'Failed'
    case 'CANCELLED':
      return 'Cancelled'
    default:
      return isMethod ? 'Answered' : 'Updated'
  }
}
