import { formatCount } from '../format.ts'
import { classes } from './classes.ts'
import { describeStatistics, partsOf, type Statistics } from './statistics.ts'
import styles from './statistics-bar.module.css'

/** The progress of a job: a bar with parts to scale, and the same as a sentence for screen readers. */
export function StatisticsBar({
  statistics,
  size = 'small',
}: {
  readonly statistics: Statistics
  readonly size?: 'small' | 'large'
}) {
  const parts = partsOf(statistics).filter(({ tone, count }) => count > 0 && tone !== 'pending')
  const text = describeStatistics(statistics, formatCount)
  return (
    <div className={classes(styles.bar, styles[size])} role="img" aria-label={text} title={text}>
      {parts.map(({ tone, count }) => (
        <span
          key={tone}
          className={classes(styles.part, styles[tone])}
          // One device of a million is still visible.
          style={{ flexBasis: `max(2px, ${(count / statistics.deviceCount) * 100}%)` }}
        />
      ))}
    </div>
  )
}
