import { useCallback } from 'react'
import { useMutation } from 'urql'
import { addOwnJob } from '../../own-jobs.ts'
import { describeError } from '../../ui/describe-error.ts'
import { ScheduleMethodDocument, ScheduleTwinDocument } from './documents.ts'
import type { Failure } from './failure-note.tsx'
import { type Expectation, type JobRequest, mutationOf } from './request.ts'

/** The result of scheduling: the job, or why it failed. */
export type Outcome = { readonly is: 'scheduled'; readonly jobId: string } | Failure

/** Schedules a job. */
export function useSchedule(): {
  readonly isScheduling: boolean
  readonly schedule: (request: JobRequest, expect: Expectation | undefined) => Promise<Outcome>
} {
  const [{ fetching: isCalling }, scheduleMethod] = useMutation(ScheduleMethodDocument)
  const [{ fetching: isPatching }, scheduleTwin] = useMutation(ScheduleTwinDocument)

  const schedule = useCallback(
    async (request: JobRequest, expect: Expectation | undefined): Promise<Outcome> => {
      const { result, error } = await send()
      if (result === undefined || result === null) {
        const problem =
          error === undefined ? { code: 'UNKNOWN', message: 'The hub did not answer.' } : describeError(error)
        return problem.code === 'NETWORK' || error === undefined
          ? { is: 'unknown', message: problem.message }
          : { is: 'refused', error: { __typename: 'RequestError', message: problem.message } }
      }
      if (result.__typename === 'ScheduleJobPayload') {
        addOwnJob(result.jobId)
        return { is: 'scheduled', jobId: result.jobId }
      }
      if (result.__typename === 'ExpectationFailedError') {
        return { is: 'drifted', deviceCount: result.deviceCount }
      }
      return { is: 'refused', error: result }

      async function send() {
        const mutation = mutationOf(request, expect)
        if ('method' in mutation) {
          const { data, error } = await scheduleMethod({ input: mutation.method })
          return { result: data?.scheduleDeviceMethod, error }
        }
        const { data, error } = await scheduleTwin({ input: mutation.twin })
        return { result: data?.scheduleTwinUpdate, error }
      }
    },
    [scheduleMethod, scheduleTwin],
  )
  return { isScheduling: isCalling || isPatching, schedule }
}
