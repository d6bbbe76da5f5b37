import { useRef, useState } from 'react'
import { Link, useLocation, useNavigate } from 'react-router'
import { graphql } from '../../generated/console/index.ts'
import { newlyEnded } from '../ended-jobs.ts'
import { formatCount } from '../format.ts'
import { useLiveEvents } from '../hub/use-subscription.ts'
import { useViewer } from '../hub/use-viewer.ts'
import { describeEnd } from '../job-end.ts'
import { removeOwnJob, useOwnJobs } from '../own-jobs.ts'
import { Button } from '../ui/button.tsx'
import { Icon } from '../ui/icon.tsx'
import { mayNotify, notifies, notify, setNotifies } from './desktop-notices.ts'
import styles from './job-notices.module.css'

const JobNoticesDocument = graphql(`
  subscription JobNotices($filter: JobFilter) {
    jobChanged(filter: $filter) {
      isNew
      job {
        jobId
        endTime
        outcome
        deviceJobStatistics {
          ...Counters
        }
      }
    }
  }
`)

/** How many notices are shown at once. */
const most = 3

type EndNotice = { readonly jobId: string; readonly text: string; readonly path: string }

/**
 * Says when a job of the viewer has ended, with a link to it. Without tokens all clients are the same to the hub: then
 * the viewer's jobs are those that were scheduled in this tab.
 */
export function JobNotices() {
  const { kind, name, rights } = useViewer()
  const own = useOwnJobs()
  const { pathname } = useLocation()
  const navigate = useNavigate()
  const [notices, setNotices] = useState<readonly EndNotice[]>([])
  const [isOnDesktop, setOnDesktop] = useState(notifies)
  const open = useRef(new Set<string>())
  const isAnonymous = kind === 'ANONYMOUS'
  useLiveEvents(
    JobNoticesDocument,
    { filter: isAnonymous ? {} : { createdBy: [name] } },
    (events) => {
      const mine = events
        .map(({ jobChanged }) => jobChanged)
        .filter(({ job }) => !isAnonymous || own.includes(job.jobId))
      const ended = newlyEnded(mine, open.current, own).map((job) => ({
        jobId: job.jobId,
        text: describeEnd(job.jobId, job, formatCount),
        path: `/jobs/${encodeURIComponent(job.jobId)}`,
      }))
      for (const { jobId, text, path } of ended) {
        removeOwnJob(jobId)
        notify(text, jobId, () => void navigate(path))
      }
      // The page of a job announces its end itself.
      const shown = ended.filter(({ path }) => path !== pathname)
      if (shown.length > 0) setNotices((known) => [...known, ...shown].slice(-most))
    },
    { pause: !rights.includes('READ_JOBS') || (isAnonymous && own.length === 0) },
  )
  const close = (jobId: string): void => setNotices((known) => known.filter((notice) => notice.jobId !== jobId))
  return (
    <section className={styles.notices} aria-label="Ended jobs" aria-live="polite">
      {notices.map(({ jobId, text, path }) => (
        <div key={jobId} className={styles.notice}>
          <Link to={path} onClick={() => close(jobId)}>
            {text}
          </Link>
          <Button kind="quiet" aria-label={`Close the notice about ${jobId}`} onClick={() => close(jobId)}>
            <Icon name="close" />
          </Button>
        </div>
      ))}
      {notices.length > 0 && mayNotify() && (
        <Button onClick={() => void setNotifies(!isOnDesktop).then(setOnDesktop)}>
          {isOnDesktop ? 'Stop desktop notifications' : 'Show desktop notifications, too'}
        </Button>
      )}
    </section>
  )
}
