import { formatCount } from '../format.ts'
import { classes } from './classes.ts'
import { describeStatistics, partsOf, type Statistics } from './statistics.ts'
import styles from './statistics-bar.module.css'

/** How far a job is: a bar whose parts are to scale, and the same as a sentence for screen readers. */
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
          // A part of a million is still seen.
          style={{ flexBasis: `max(2px, ${(count / statistics.deviceCount) * 100}%)` }}
        />
      ))}
    </div>
  )
}

/** The counters as words and numbers, each with its colour: what the bar's parts mean. */
export function StatisticsLegend({ statistics }: { readonly statistics: Statistics }) {
  return (
    <ul className={styles.legend}>
      {partsOf(statistics).map(({ tone, word, count }) => (
        <li key={tone} className={classes(count === 0 && styles.none)}>
          <span className={classes(styles.swatch, styles[tone])} /> {formatCount(count)} {word}
        </li>
      ))}
    </ul>
  )
}
