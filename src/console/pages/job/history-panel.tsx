import type { JobAroundFragment, JobTargets } from '../../../generated/console/graphql.ts'
import { formatCount, showTimes } from '../../format.ts'
import { Panel } from '../../shell/page.tsx'
import { classes } from '../../ui/classes.ts'
import { Time } from '../../ui/time.tsx'
import tones from '../../ui/tones.module.css'
import { describeEvent, lacksOlder } from './history.ts'
import styles from './history-panel.module.css'

/** The events of a job, with time, description, actor and reason. */
export function History({
  events,
  deviceCount,
  targets,
}: {
  readonly events: JobAroundFragment['history']
  readonly deviceCount: number
  readonly targets: JobTargets
}) {
  if (events === null || events.length === 0) return undefined
  return (
    <Panel title="History">
      <ol className={styles.events}>
        {events.map((event) => {
          const { what, detail, tone } = describeEvent(event, { deviceCount, targets })
          return (
            <li key={event.version} className={classes(styles.event, tones[tone])}>
              <p>
                <strong>{what}</strong> <span className={styles.muted}>{detail}</span>
              </p>
              <p className={styles.muted}>
                <Time value={event.time} absolute />
              </p>
              {event.reason !== null && (
                // What people write stays as they wrote it.
                <p className={styles.reason}>“{event.cause === 'USER' ? event.reason : showTimes(event.reason)}”</p>
              )}
            </li>
          )
        })}
      </ol>
      {lacksOlder(events) && (
        <p className={styles.older}>
          These are the newest {formatCount(events.length)} events. Older ones are not shown.
        </p>
      )}
    </Panel>
  )
}
