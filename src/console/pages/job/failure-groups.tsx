import { Link } from 'react-router'
import type { JobNowFragment } from '../../../generated/console/graphql.ts'
import { formatCount, formatShare } from '../../format.ts'
import { useDenial } from '../../hub/use-viewer.ts'
import { Panel } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import styles from './failure-groups.module.css'

/** Device jobs that failed for the same cause. */
export type FailureGroup = NonNullable<JobNowFragment['failureGroups']>[number]

/** Why devices failed, the most frequent cause first; live. */
export function FailureGroups({
  groups,
  onShow,
  onRetry,
}: {
  readonly groups: readonly FailureGroup[]
  readonly onShow: (group: FailureGroup) => void
  /** False while the job cannot be retried. */
  readonly onRetry: false | ((group: FailureGroup) => void)
}) {
  const denied = useDenial()('WRITE_JOBS')
  if (groups.length === 0) return undefined
  return (
    <Panel title="Failures by cause">
      <div>
        <table className={styles.groups}>
          <thead>
            <tr>
              <th scope="col">Cause</th>
              <th scope="col" className={styles.number}>
                Devices
              </th>
              <th scope="col">Examples</th>
              <th scope="col">
                <span className="hidden">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {groups.map((group) => {
              const { code, message, responseStatus, count, share, sample } = group
              const name = responseStatus === null ? code : `Status ${responseStatus}`
              return (
                <tr
                  key={`${code} ${responseStatus} ${message}`}
                  className={responseStatus === null ? styles.failed : styles.refused}
                >
                  <th scope="row" className={styles.cause}>
                    <span className={styles.message}>{message}</span>
                    <code className={styles.code}>{name}</code>
                  </th>
                  <td className={styles.number}>
                    <span className={styles.count}>{formatCount(count)}</span>
                    <span className={styles.unit}> {count === 1 ? 'device' : 'devices'}</span>
                    <span className={styles.share}>{formatShare(share)}</span>
                    <span className={styles.bar} aria-hidden="true">
                      <span style={{ width: `max(2px, ${share * 100}%)` }} />
                    </span>
                  </td>
                  <td className={styles.sample}>
                    {sample?.map(({ id, deviceId }) => (
                      <Link key={id} to={`/devices/${encodeURIComponent(deviceId)}`}>
                        {deviceId}
                      </Link>
                    ))}
                  </td>
                  <td className={styles.actions}>
                    <Button onClick={() => onShow(group)} aria-label={`View devices: ${name}`}>
                      View devices
                    </Button>
                    {onRetry && (
                      <Button denied={denied} onClick={() => onRetry(group)} aria-label={`Retry: ${name}`}>
                        Retry…
                      </Button>
                    )}
                  </td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </div>
    </Panel>
  )
}
