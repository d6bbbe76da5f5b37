import { useEffect, useState } from 'react'
import { useClient } from 'urql'
import type { JobNowFragment } from '../../../../generated/console/graphql.ts'
import { formatCount, formatDuration, formatRate } from '../../../format.ts'
import { Panel } from '../../../shell/page.tsx'
import { endedOf, noDevices } from '../../../ui/statistics.ts'
import { maxChartedDevices, readEndedDeviceJobs } from '../ended-device-jobs.ts'
import styles from './panel.module.css'
import { addPoint, describeSamples, type Ended, pointOf, type Samples, samplesBefore, thin } from './samples.ts'
import { ProgressChartPlot } from './uplot-chart.tsx'

/** Rows of the table with the same data as the chart. */
const tableRows = 12
/** Milliseconds after which the chart moves on although nothing happens. */
const beat = 2_000

/** The progress of the job since it started, as far as it is known: a chart, a sentence and a table. */
export function ProgressChartPanel({ jobId, now }: { readonly jobId: string; readonly now: JobNowFragment }) {
  const samples = useSamples(jobId, now)
  const { deviceCount } = now.deviceJobStatistics ?? noDevices
  if (now.startedTime === null || deviceCount === 0) return undefined
  if (samples.length < 2) {
    if (now.endTime === null || deviceCount <= maxChartedDevices) return undefined
    return (
      <Panel title="Progress over time">
        <p className={styles.summary}>
          Jobs with more than {formatCount(maxChartedDevices)} devices are charted only while this page is open.
        </p>
      </Panel>
    )
  }
  const summary = describeSamples(samples, { formatCount, formatRate, formatDuration })
  return (
    <Panel title="Progress over time">
      <ProgressChartPlot samples={samples} summary={summary} />
      <p className={styles.summary}>{summary}</p>
      <details className={styles.table}>
        <summary>Show as table</summary>
        <SampleTable samples={thin(samples, tableRows)} />
      </details>
    </Panel>
  )
}

/**
 * The samples that arrive while the page is open, preceded by those that can be read: all of a small job, otherwise
 * only its start.
 */
function useSamples(jobId: string, now: JobNowFragment): Samples {
  const client = useClient()
  const [seen, setSeen] = useState<Samples>([])
  const [ended, setEnded] = useState<readonly Ended[]>([])
  const { startedTime, endTime } = now
  // A page that was open at the start has nothing earlier to read.
  const [cameLate] = useState(() => endedOf(now.deviceJobStatistics ?? noDevices) > 0)

  useEffect(() => {
    if (now.startedTime === null) return
    const add = (): void => {
      const { deviceJobStatistics, throughput, endTime } = now
      // The time of the end is the hub's. All other times are times of arrival.
      const time = (endTime === null ? Date.now() : new Date(endTime).getTime()) / 1000
      // After the end, the throughput is that of the whole job.
      const recent = endTime === null ? throughput : null
      setSeen((samples) => addPoint(samples, pointOf(deviceJobStatistics ?? noDevices, recent, time)))
    }
    add()
    if (now.endTime !== null) return
    const timer = setInterval(add, beat)
    return () => clearInterval(timer)
  }, [now])

  useEffect(() => {
    if (!cameLate) return
    let isCurrent = true
    void readEndedDeviceJobs(client, jobId).then((read) => {
      if (isCurrent) setEnded(read)
    })
    return () => {
      isCurrent = false
    }
  }, [client, jobId, cameLate])

  const [first] = seen
  if (first === undefined || startedTime === null) return []
  const before = samplesBefore(new Date(startedTime).getTime() / 1000, first, ended)
  // A job that ended before the page was opened and is too large to read has no points to draw.
  return endTime !== null && seen.length === 1 && before.length === 1 ? [] : [...before, ...seen]
}

function SampleTable({ samples }: { readonly samples: Samples }) {
  const start = samples[0]?.time ?? 0
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
        {samples.map(({ time, succeeded, failed, running, throughput }) => (
          <tr key={time}>
            <th scope="row">{formatDuration(time - start)}</th>
            <td>{formatCount(succeeded)}</td>
            <td>{formatCount(failed)}</td>
            <td>{running === null ? 'unknown' : formatCount(running)}</td>
            <td>{throughput === null ? 'unknown' : formatRate(throughput)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
