import { memo, useMemo } from 'react'
import type { JobNowFragment } from '../../../../generated/console/graphql.ts'
import { formatCount, formatDuration, formatRate } from '../../../format.ts'
import { Panel } from '../../../shell/page.tsx'
import { noDevices } from '../../../ui/statistics.ts'
import styles from './panel.module.css'
import { ProgressChartPlot } from './plot.tsx'
import { describePoints, gapsIn, hasChart, type Points, ratesOf, shortestCharted, thin } from './points.ts'
import { type Course, type KnownCourse, useCourse } from './use-course.ts'

/** Rows of the table with the same data as the chart. */
const tableRows = 12

const formats = { formatCount, formatRate, formatDuration }

/** The progress of the job since it started: a chart, a sentence and a table. */
export function ProgressChartPanel({ jobId, now }: { readonly jobId: string; readonly now: JobNowFragment }) {
  const course = useCourse(jobId, now)
  const { deviceCount } = now.deviceJobStatistics ?? noDevices
  if (now.startedTime === null || deviceCount === 0) return undefined
  return (
    <Panel title="Progress over time">
      <Content
        course={course}
        isOpen={now.endTime === null}
        isLong={now.endTime === null || lengthOf(now) >= shortestCharted}
      />
    </Panel>
  )
}

/** The seconds that a job that has ended took. */
function lengthOf({ startedTime, endTime }: JobNowFragment): number {
  return startedTime === null || endTime === null
    ? 0
    : (new Date(endTime).getTime() - new Date(startedTime).getTime()) / 1000
}

/** `isLong`: the job has a chart. Room is kept for it, so that nothing below moves. */
const Content = memo(function Content({
  course,
  isOpen,
  isLong,
}: {
  readonly course: KnownCourse
  readonly isOpen: boolean
  readonly isLong: boolean
}) {
  return <div className={isLong ? styles.room : undefined}>{course !== undefined && contentOf(course, isOpen)}</div>
})

function contentOf(course: Course | 'hidden', isOpen: boolean) {
  if (course === 'hidden') return <p className={styles.summary}>– (the job was not scheduled under your scope)</p>
  const { points } = course
  if (!hasChart(points, isOpen)) return <Summary course={course} />
  // A job from before the hub kept samples.
  if (points.length > 1 && points.slice(1).every(({ isAfterGap }) => isAfterGap)) {
    return <p className={styles.summary}>The progress of this job was not recorded.</p>
  }
  return <ChartWithTable course={course} />
}

function Summary({ course: { points, until } }: { readonly course: Course }) {
  return <p className={styles.summary}>{describePoints(points, gapsIn(points, until), formats)}</p>
}

function ChartWithTable({ course }: { readonly course: Course }) {
  const summary = useMemo(() => describePoints(course.points, gapsIn(course.points, course.until), formats), [course])
  return (
    <>
      <ProgressChartPlot course={course} summary={summary} />
      <p className={styles.summary}>{summary}</p>
      <details className={styles.table}>
        <summary>Show as table</summary>
        <PointTable points={thin(course.points, tableRows)} />
      </details>
    </>
  )
}

function PointTable({ points }: { readonly points: Points }) {
  const start = points[0]?.time ?? 0
  const rates = ratesOf(points)
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Elapsed</th>
          <th scope="col">Succeeded</th>
          <th scope="col">Failed or refused</th>
          <th scope="col">Running</th>
          <th scope="col">Finished per second</th>
        </tr>
      </thead>
      <tbody>
        {points.map(({ time, succeeded, failed, running }, index) => (
          <tr key={time}>
            <th scope="row">{formatDuration(time - start)}</th>
            <td>{formatCount(succeeded)}</td>
            <td>{formatCount(failed)}</td>
            <td>{formatCount(running)}</td>
            <td>{rates[index] == null ? 'unknown' : formatRate(rates[index])}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
