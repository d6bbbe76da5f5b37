import { useState } from 'react'
import { formatCount, formatRate } from '../../../format.ts'
import { Chart, clock, type Line } from './progress-charts.tsx'
import { columnsOf, type Samples } from './samples.ts'
import styles from './uplot-chart.module.css'

const counts: readonly Line[] = [
  { name: 'Succeeded', token: '--succeeded', dash: [], ground: '--succeeded-soft' },
  { name: 'Failed or refused', token: '--failed', dash: [6, 4] },
  { name: 'Running', token: '--running', dash: [2, 3] },
]
const rates: readonly Line[] = [
  { name: 'Devices finished per second', token: '--accent', dash: [], ground: '--accent-soft' },
]

/** The progress as two charts above each other, over the same time. `summary` describes them to screen readers. */
export function ProgressChartPlot({ samples, summary }: { readonly samples: Samples; readonly summary: string }) {
  const [at, setAt] = useState<number | null>(null)
  const columns = columnsOf(samples)
  const pointed = at === null ? undefined : samples[at]
  return (
    <figure className={styles.plot}>
      <div role="img" aria-label={`Progress chart. ${summary}`} className={styles.charts}>
        <Chart
          lines={counts}
          data={[columns.times, columns.succeeded, columns.failed, columns.running]}
          height={170}
          onPoint={setAt}
        />
        <Chart lines={rates} data={[columns.times, columns.throughput]} height={100} onPoint={setAt} hasTimes />
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
        <span className={styles.pointed} aria-hidden="true">
          {pointed &&
            `${clock.format(pointed.time * 1000)}: ${formatCount(pointed.succeeded)} succeeded, ${formatCount(pointed.failed)} failed or refused${
              pointed.running === null ? '' : `, ${formatCount(pointed.running)} running`
            }${pointed.throughput === null ? '' : `, ${formatRate(pointed.throughput)} devices/s`}`}
        </span>
      </figcaption>
    </figure>
  )
}
