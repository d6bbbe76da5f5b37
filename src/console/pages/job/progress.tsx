import { Link } from 'react-router'
import type { JobAroundFragment, JobNowFragment, JobTargets } from '../../../generated/console/graphql.ts'
import { formatCount, formatDistance, formatDuration, formatRate, formatShare } from '../../format.ts'
import { useOutage } from '../../hub/use-outage.ts'
import type { LiveError } from '../../hub/use-subscription.ts'
import { Panel } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { classes } from '../../ui/classes.ts'
import { DomainError } from '../../ui/domain-error.tsx'
import { Icon } from '../../ui/icon.tsx'
import { endedOf, finishedIn, noDevices, partsOf, whyNotCounted } from '../../ui/statistics.ts'
import { StatisticsBar } from '../../ui/statistics-bar.tsx'
import { Time, useNow } from '../../ui/time.tsx'
import tones from '../../ui/tones.module.css'
import { describeBlocker } from './blockers.ts'
import { pauseOf } from './controls.ts'
import { ControlsList } from './controls-list.tsx'
import styles from './progress.module.css'
import { describeNoDevices } from './target-words.ts'

/** The progress of the job, its rate, what controls it, and what it is waiting for. */
export function Progress({
  now,
  targets,
  history,
  deadline,
  liveError,
  onFollow,
}: {
  readonly now: JobNowFragment
  readonly targets: JobTargets
  readonly history: JobAroundFragment['history']
  readonly deadline: string
  readonly liveError: LiveError | undefined
  readonly onFollow: () => void
}) {
  const { deviceJobStatistics, failureReason, statusMessage } = now
  const statistics = deviceJobStatistics ?? noDevices
  const { deviceCount } = statistics
  return (
    <Panel
      title="Progress"
      actions={
        <p className={styles.total}>
          {deviceCount > 0 && (
            <>
              {formatCount(finishedIn(statistics))} of {formatCount(deviceCount)} devices finished
              {statistics.cancelledCount > 0 ? (
                `, ${formatCount(statistics.cancelledCount)} not run`
              ) : (
                <>, {formatShare(endedOf(statistics) / deviceCount)}</>
              )}
            </>
          )}
        </p>
      }
    >
      {liveError && (
        <DomainError error={{ __typename: liveError.code, message: `This page is not updating: ${liveError.message}` }}>
          <p>
            <Button onClick={onFollow}>Resume updates</Button>
          </p>
        </DomainError>
      )}
      {deviceCount > 0 ? (
        <>
          <ul className={styles.counters}>
            {partsOf(statistics).map(({ tone, word, count }) => (
              <li key={tone} className={classes(styles.counter, tones[tone], count === 0 && styles.none)}>
                <span className={styles.word}>
                  <Icon name={tone} size={13} />
                  <span>{word}</span>
                </span>
                <span className={styles.count}>{formatCount(count)}</span>
              </li>
            ))}
          </ul>
          <StatisticsBar statistics={statistics} size="large" />
        </>
      ) : (
        <p className={styles.muted}>
          {deviceJobStatistics === null ? `– ${whyNotCounted}` : describeNoDevices(targets, now)}
        </p>
      )}
      <Pace now={now} deadline={deadline} />
      {failureReason !== null && <DomainError error={{ __typename: 'JobFailed', message: failureReason }} />}
      {statusMessage !== null && <p>Reason: {statusMessage}</p>}
      <ControlsList now={now} history={history} />
      <Blockers
        // The controls say more about a pause.
        blockers={
          now.blockers?.filter(({ reason }) => reason !== 'PAUSED' || pauseOf(now, history) === undefined) ?? null
        }
      />
    </Panel>
  )
}

/** For a rate that the hub does not show to this viewer. */
const hidden = '– (the job was not scheduled under your scope)'

function Pace({ now, deadline }: { readonly now: JobNowFragment; readonly deadline: string }) {
  const { status, startedTime, endTime, throughput, eta } = now
  const isOut = useOutage() !== undefined
  if (startedTime === null) return undefined
  if (endTime !== null) {
    const seconds = (new Date(endTime).getTime() - new Date(startedTime).getTime()) / 1000
    return (
      <dl className={styles.pace}>
        <Fact name="Duration">{seconds < 1 ? 'Less than 1 s' : formatDuration(seconds)}</Fact>
        {throughput !== null && throughput > 0 && <Fact name="Average rate">{formatRate(throughput)} devices/s</Fact>}
      </dl>
    )
  }
  return (
    <dl className={styles.pace}>
      {/* Both are of the present, which is unknown during an outage. */}
      {!isOut && (
        <Fact name="Rate">{throughput === null ? hidden : `${formatRate(throughput)} devices/s (last 10 s)`}</Fact>
      )}
      {!isOut && status === 'RUNNING' && eta !== null && (
        <Fact name="Estimate">
          <Eta eta={eta} deadline={deadline} />
        </Fact>
      )}
      <Fact name="Started">
        <Time value={startedTime} />
      </Fact>
    </dl>
  )
}

/** When the job is expected to end. The hub caps its estimate at the deadline. */
function Eta({ eta, deadline }: { readonly eta: string; readonly deadline: string }) {
  const describe = (value: string, now: number): string => {
    const seconds = (new Date(value).getTime() - now) / 1000
    if (seconds < 5) return 'Almost done'
    const left = formatDistance(seconds)
    return value >= deadline ? `Finishes by the deadline (${left} left)` : `About ${left} left`
  }
  return <Time value={eta} describe={describe} />
}

function Fact({ name, children }: { readonly name: string; readonly children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function Blockers({ blockers }: Pick<JobNowFragment, 'blockers'>) {
  const now = useNow(blockers?.length ? 5_000 : undefined)
  if (blockers === null || blockers.length === 0) return undefined
  return (
    <ul className={styles.blockers} aria-label="Waiting for">
      {blockers.map((blocker) => (
        <li key={blocker.reason}>
          <Icon name="waiting" size={14} />{' '}
          {blocker.job === null ? (
            describeBlocker(blocker, now)
          ) : (
            <Link to={`/jobs/${encodeURIComponent(blocker.job.jobId)}`}>{describeBlocker(blocker, now)}</Link>
          )}
        </li>
      ))}
    </ul>
  )
}
