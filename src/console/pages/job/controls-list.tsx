import type { JobAroundFragment, JobNowFragment } from '../../../generated/console/graphql.ts'
import { describeLimits, describeRule, describeRuleState } from '../../rollout-words.ts'
import { Icon } from '../../ui/icon.tsx'
import { Time } from '../../ui/time.tsx'
import { pauseOf } from './controls.ts'
import styles from './controls-list.module.css'
import { describeEvent } from './history.ts'

/** What controls the job now: who has paused it and why, its limits, and its abort rules with what they have counted. */
export function ControlsList({
  now,
  history,
}: {
  readonly now: JobNowFragment
  readonly history: JobAroundFragment['history']
}) {
  const pause = pauseOf(now, history)
  const limits = now.endTime === null ? describeLimits(now.rollout ?? {}) : []
  const rules = now.rollout?.abort ?? []
  if (pause === undefined && limits.length + rules.length === 0) return undefined
  return (
    <ul className={styles.controls} aria-label="Controls">
      {pause !== undefined && (
        <li className={styles.pause}>
          <Icon name="paused" size={14} />
          <span>
            <strong>Paused {describeEvent(pause, { deviceCount: 0, targets: 'AT_START' }).detail}</strong>{' '}
            <Time value={pause.time} />
            {pause.reason !== null && <span className={styles.reason}>“{pause.reason}”</span>}
          </span>
        </li>
      )}
      {limits.map((limit) => (
        <li key={limit}>
          <Icon name="waiting" size={14} />
          <span>{limit}</span>
        </li>
      ))}
      {rules.map((rule) => (
        <li key={describeRule(rule)} className={rule.hasActed ? styles.acted : undefined}>
          <Icon name="partial" size={14} />
          <span>
            {describeRule(rule)} <span className={styles.state}>({describeRuleState(rule)})</span>
          </span>
        </li>
      ))}
    </ul>
  )
}
