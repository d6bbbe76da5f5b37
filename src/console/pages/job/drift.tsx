import { useQuery } from 'urql'
import { usePulse } from '../../hub/use-pulse.ts'
import { describeDevices } from '../schedule/summary.ts'
import { JobDriftDocument } from './documents.ts'

/** Milliseconds between two counts: the hub may have to read all devices of the job. */
const pulse = 30_000

/** How many devices of an open job no longer match its condition. Nothing while there is none, or they could not be counted. */
export function Drift({ jobId }: { readonly jobId: string }) {
  const [{ data }, count] = useQuery({ query: JobDriftDocument, variables: { jobId } })
  usePulse(pulse, true, () => count({ requestPolicy: 'network-only' }))
  const left = data?.job?.drift?.left
  if (!left || left.value === 0) return undefined
  return <p>No longer matching: {describeDevices(left)}, which stay in the job.</p>
}
