import type { ReactNode } from 'react'
import { Button } from './button.tsx'
import { Icon } from './icon.tsx'
import styles from './states.module.css'

/** Shown while the first data is loading. */
export function LoadingState({ label = 'Loading' }: { readonly label?: string }) {
  return (
    <p className={styles.loading} role="status">
      <span className={styles.pulse} aria-hidden="true" /> {label}…
    </p>
  )
}

/** Shown when there is no data: what would be here, and how to create it. */
export function EmptyState({
  title,
  children,
  action,
}: {
  readonly title: string
  readonly children?: ReactNode
  readonly action?: ReactNode
}) {
  return (
    <div className={styles.state}>
      <h2>{title}</h2>
      {children && <div className={styles.text}>{children}</div>}
      {action && <div className={styles.action}>{action}</div>}
    </div>
  )
}

/** An error instead of the content: what failed, why, and what to do. */
export function ErrorState({
  title,
  message,
  children,
  onRetry,
}: {
  readonly title: string
  readonly message?: string
  readonly children?: ReactNode
  readonly onRetry?: () => void
}) {
  return (
    <div className={styles.state} role="alert">
      <h2 className={styles.failed}>
        <Icon name="partial" /> {title}
      </h2>
      <div className={styles.text}>
        {message && <p>{message}</p>}
        {children}
      </div>
      {onRetry && (
        <div className={styles.action}>
          <Button onClick={onRetry}>Try again</Button>
        </div>
      )}
    </div>
  )
}
