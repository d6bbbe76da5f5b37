import { formatTimeOfDay } from '../format.ts'
import { useOutage } from '../hub/use-outage.ts'
import { useNow } from '../ui/time.tsx'
import styles from './layout.module.css'

/** Milliseconds after which an outage is shown. A connection that is closed to be opened again is back before. */
const patience = 1_000

/** Shown while the hub cannot be reached: since when, and that the data on the page is from before. */
export function OutageNotice() {
  const lostAt = useOutage()
  return lostAt === undefined ? null : <Outage lostAt={lostAt} />
}

function Outage({ lostAt }: { readonly lostAt: number }) {
  const now = useNow(patience)
  if (now - lostAt < patience) return null
  return (
    <div className={styles.notice} role="alert">
      <p>Connection lost at {formatTimeOfDay(lostAt, now)}. Showing the last known state.</p>
    </div>
  )
}
