import { Button } from './button.tsx'
import { Icon } from './icon.tsx'
import styles from './not-live.module.css'

/** Says that what is shown is no longer updated, and why. `what`: the subject of the sentence, `This page`. */
export function NotLive({
  what,
  message,
  onRetry,
}: {
  readonly what: string
  readonly message: string
  readonly onRetry: () => void
}) {
  return (
    <p className={styles.notLive} role="alert">
      <Icon name="partial" /> {what} is not updating: {message} <Button onClick={onRetry}>Try again</Button>
    </p>
  )
}
