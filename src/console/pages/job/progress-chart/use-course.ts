import { useEffect, useRef, useState } from 'react'
import { type Client, useClient } from 'urql'
import type { JobNowFragment } from '../../../../generated/console/graphql.ts'
import { useOutage } from '../../../hub/use-outage.ts'
import { noDevices } from '../../../ui/statistics.ts'
import { JobSamplesDocument } from '../documents.ts'
import { throttle } from '../throttle.ts'
import { addPoint, type Point, type Points, pointOf, pointsOf } from './points.ts'

/** What is known of the progress of a job over time. */
export type Course = {
  readonly points: Points
  /** While the hub cannot be reached: the present, in seconds since 1970 by the clock of the hub. */
  readonly until: number | undefined
}

/** `hidden`: the hub does not show it to this viewer. Undefined until it is read. */
export type KnownCourse = Course | 'hidden' | undefined

/** Milliseconds between two drawings: a chart of minutes has a column of pixels for each second at most. */
const pace = 1_000
/** Milliseconds until samples that could not be read are read again. */
const repetition = 5_000

/** The points of a course, and the milliseconds by which the clock of the browser is ahead of that of the hub. */
type Read = { points: Points; readonly aheadInMs: number }

/**
 * The progress of a job that has started: the samples of the hub, and after them what the page is notified of. Samples are
 * read again after an outage, because the page does not know what happened during it.
 */
export function useCourse(jobId: string, now: JobNowFragment): KnownCourse {
  const client = useClient()
  const isOut = useOutage() !== undefined
  const [course, setCourse] = useState<KnownCourse>()
  const read = useRef<Read>(undefined)
  /** Whether `read` has everything up to the present. */
  const isCurrent = useRef(false)
  const [drawing] = useState(() =>
    throttle(async () => {
      const { current } = read
      if (current !== undefined) setCourse({ points: current.points, until: undefined })
    }, pace),
  )
  useEffect(() => () => drawing.stop(), [drawing])

  const latest = useRef(now)
  useEffect(() => {
    latest.current = now
    const { current } = read
    if (current === undefined || !isCurrent.current) return
    current.points = withNow(current, now)
    drawing.wake()
  }, [now, drawing])

  const hasStarted = now.startedTime !== null
  useEffect(() => {
    if (!hasStarted || isOut) return
    let hasLeft = false
    let timer: ReturnType<typeof setTimeout> | undefined
    const ask = async (): Promise<void> => {
      const found = await readSamples(client, jobId)
      if (hasLeft) return
      if (found === undefined) timer = setTimeout(() => void ask(), repetition)
      else if (found === 'hidden') setCourse('hidden')
      else {
        // It may have ended meanwhile. Any other state is followed by a newer one.
        if (latest.current.endTime !== null) found.points = withNow(found, latest.current)
        read.current = found
        isCurrent.current = true
        setCourse({ points: found.points, until: undefined })
      }
    }
    void ask()
    return () => {
      hasLeft = true
      isCurrent.current = false
      clearTimeout(timer)
    }
  }, [client, jobId, hasStarted, isOut])

  const isOpen = now.endTime === null
  useEffect(() => {
    if (!isOut || !isOpen) return
    drawing.stop()
    const draw = (): void => {
      const { current } = read
      if (current === undefined) return
      setCourse({ points: current.points, until: (Date.now() - current.aheadInMs) / 1000 })
    }
    draw()
    const timer = setInterval(draw, pace)
    return () => clearInterval(timer)
  }, [isOut, isOpen, drawing])

  return course
}

/** The points with the state of the job, unless it is older. The end has its own time; any other state is the present. */
function withNow({ points, aheadInMs }: Read, { deviceJobStatistics, endTime }: JobNowFragment): Points {
  const time = endTime === null ? Date.now() - aheadInMs : new Date(endTime).getTime()
  const point = pointOf(deviceJobStatistics ?? noDevices, time / 1000)
  const last = points.at(-1)
  return last !== undefined && endedCount(point) < endedCount(last) ? points : addPoint(points, point)
}

const endedCount = ({ succeeded, failed }: Point): number => succeeded + failed

/** Undefined when they cannot be read. */
async function readSamples(client: Client, jobId: string): Promise<Read | 'hidden' | undefined> {
  const { data } = await client.query(JobSamplesDocument, { jobId }, { requestPolicy: 'network-only' }).toPromise()
  if (!data?.job) return undefined
  const { samples } = data.job
  if (samples === null) return 'hidden'
  const last = samples.at(-1)
  return { points: pointsOf(samples), aheadInMs: last === undefined ? 0 : Date.now() - new Date(last.time).getTime() }
}
