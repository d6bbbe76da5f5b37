import { memo, useMemo, useState } from 'react'
import { formatClock, formatCount, formatRate, formatZone } from '../../../format.ts'
import { useTimeForm } from '../../../ui/time-form.ts'
import { Chart, type Line } from './chart.tsx'
import styles from './plot.module.css'
import { type Columns, columnsOf, gapsIn } from './points.ts'
import type { Course } from './use-course.ts'

const counts: readonly Line[] = [
  { name: 'Succeeded', token: '--succeeded', dash: [], ground: '--succeeded-soft' },
  { name: 'Failed or refused', token: '--failed', dash: [6, 4] },
  { name: 'Running', token: '--running', dash: [2, 3] },
]
const rates: readonly Line[] = [
  { name: 'Devices finished per second', token: '--accent', dash: [], ground: '--accent-soft' },
]

/**
 * The progress as two charts above each other, over the same time. `summary` describes them to screen readers. The course
 * is drawn again only when it is another one.
 */
export const ProgressChartPlot = memo(function ProgressChartPlot({
  course,
  summary,
}: {
  readonly course: Course
  readonly summary: string
}) {
  const [at, setAt] = useState<number | null>(null)
  const isUtc = useTimeForm() === 'utc'
  const { columns, gaps, data } = useMemo(() => {
    const { points, until } = course
    const columns = columnsOf(points, until)
    const { times, succeeded, failed, running, rates } = columns
    return {
      columns,
      gaps: gapsIn(points, until),
      data: { counts: [times, succeeded, failed, running], rates: [times, rates] },
    }
  }, [course])
  return (
    <figure className={styles.plot}>
      <div role="img" aria-label={`Progress chart. ${summary}`} className={styles.charts}>
        <Chart lines={counts} data={data.counts} gaps={gaps} height={170} isUtc={isUtc} onPoint={setAt} />
        <Chart lines={rates} data={data.rates} gaps={gaps} height={100} isUtc={isUtc} onPoint={setAt} hasTimes />
      </div>
      <figcaption className={styles.legend}>
        {[...counts, ...rates].map(({ name, token, dash }) => (
          <span key={name}>
            <svg width="22" height="8" aria-hidden="true">
              <line
                x1="0"
                x2="22"
                y1="4"
                y2="4"
                stroke={`var(${token})`}
                strokeWidth="2"
                strokeDasharray={dash.join(' ')}
              />
            </svg>
            {name}
          </span>
        ))}
        {gaps.length > 0 && (
          <span>
            <svg width="22" height="10" aria-hidden="true">
              <path d="M1 10 11 0M7 10 17 0M13 10 22 1" stroke="var(--line-strong)" />
            </svg>
            No data
          </span>
        )}
        <span className={styles.pointed} aria-hidden="true">
          {describeAt(columns, at, isUtc)}
        </span>
      </figcaption>
    </figure>
  )
})

/** What the pointer is at, or else the time zone. */
function describeAt({ times, succeeded, failed, running, rates }: Columns, at: number | null, isUtc: boolean): string {
  const time = at === null ? undefined : times[at]
  if (at === null || time === undefined) return `Times in ${formatZone((times.at(-1) ?? 0) * 1000, isUtc)}`
  const parts = [
    { word: 'succeeded', count: succeeded[at] },
    { word: 'failed or refused', count: failed[at] },
    { word: 'running', count: running[at] },
  ].flatMap(({ word, count }) => (count == null ? [] : [`${formatCount(count)} ${word}`]))
  const rate = rates[at]
  const known = [...parts, ...(rate == null ? [] : [`${formatRate(rate)} devices/s`])]
  return `${formatClock(time * 1000, isUtc)}: ${known.length === 0 ? 'no data' : known.join(', ')}`
}
