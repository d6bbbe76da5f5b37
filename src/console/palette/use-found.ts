import { useEffect, useState } from 'react'
import { useNavigate } from 'react-router'
import { useClient } from 'urql'
import type { PaletteDeviceFragment, PaletteFindQuery, PaletteJobFragment } from '../../generated/console/graphql.ts'
import { quote } from '../device/address.ts'
import { useViewer } from '../hub/use-viewer.ts'
import { describeOperation } from '../operation.ts'
import { describeError } from '../ui/describe-error.ts'
import { showConnection, showJob } from '../ui/status.ts'
import { PaletteFindDocument } from './documents.ts'
import type { Entry } from './entries.ts'

/** Milliseconds after the last key until the hub is asked. */
const pause = 150

/** Rows of a group. More are found by more text. */
const first = 6

/** The jobs and devices that a text finds. */
export type Found = {
  readonly entries: readonly Entry[]
  readonly isLoading: boolean
  /** Why the hub could not be asked. */
  readonly problem: string | undefined
}

const nothing: Found = { entries: [], isLoading: false, problem: undefined }

/** Asks the hub for the jobs and devices that the viewer may see. `close` closes the palette. */
export function useFound(text: string, close: () => void): Found {
  const client = useClient()
  const navigate = useNavigate()
  const { rights } = useViewer()
  const withJobs = rights.includes('READ_JOBS')
  // Conditions read twins.
  const withDevices = rights.includes('READ_DEVICES') && rights.includes('READ_TWINS')
  const [answer, setAnswer] = useState<{ text: string; data: PaletteFindQuery | undefined; problem?: string }>()
  const isAsked = text !== '' && (withJobs || withDevices)
  useEffect(() => {
    if (!isAsked) return
    let isLatest = true
    const ask = async (): Promise<void> => {
      const deviceCondition = `STARTSWITH(deviceId, ${quote(text)})`
      const { data, error } = await client
        .query(
          PaletteFindDocument,
          { text, deviceCondition, first, withJobs, withDevices },
          { requestPolicy: 'network-only' },
        )
        .toPromise()
      if (isLatest) setAnswer({ text, data, ...(error && { problem: describeError(error).message }) })
    }
    const timer = setTimeout(() => void ask(), pause)
    return () => {
      isLatest = false
      clearTimeout(timer)
    }
  }, [client, text, isAsked, withJobs, withDevices])

  if (!isAsked) return nothing
  if (answer?.text !== text) return { ...nothing, isLoading: true }
  const goTo = (path: string) => () => {
    close()
    void navigate(path)
  }
  const { job, jobs, device, devices } = answer.data ?? {}
  return {
    isLoading: false,
    problem: answer.problem,
    entries: [
      ...exactFirst(job, jobs?.nodes).map((one) => jobEntry(one, goTo)),
      ...exactFirst(device, devices?.nodes).map((one) => deviceEntry(one, goTo)),
    ],
  }
}

type GoTo = (path: string) => () => void

function jobEntry(job: PaletteJobFragment, goTo: GoTo): Entry {
  const { icon, word } = showJob(job)
  return {
    id: job.id,
    group: 'Jobs',
    name: job.jobId,
    hint: `${word} · ${describeOperation(job)}`,
    icon,
    run: goTo(`/jobs/${encodeURIComponent(job.jobId)}`),
  }
}

function deviceEntry({ id, deviceId, connectionState }: PaletteDeviceFragment, goTo: GoTo): Entry {
  const { icon, word } = showConnection(connectionState)
  const run = goTo(`/devices/${encodeURIComponent(deviceId)}`)
  return { id, group: 'Devices', name: deviceId, hint: word, icon, run }
}

/** The row with exactly this ID, before those that the text also finds. */
function exactFirst<Row extends { readonly id: string }>(
  exact: Row | null | undefined,
  rows: readonly Row[] = [],
): readonly Row[] {
  return exact ? [exact, ...rows.filter(({ id }) => id !== exact.id)] : rows
}
