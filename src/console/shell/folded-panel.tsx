import { type ReactNode, useState } from 'react'
import styles from './folded-panel.module.css'
import page from './page.module.css'

/** A part of a page that most people skip: only its heading and a summary are shown until it is opened. */
export function FoldedPanel({
  title,
  summary,
  isOpenAtFirst,
  children,
}: {
  readonly title: string
  /** What its fields say, in a few words. */
  readonly summary: string
  /** Whether it is open when the page is shown. Later on, only the user opens and closes it. */
  readonly isOpenAtFirst: boolean
  readonly children: ReactNode
}) {
  const [isOpen] = useState(isOpenAtFirst)
  return (
    <section className={page.panel} aria-label={title}>
      <details className={styles.details} open={isOpen}>
        <summary className={styles.head}>
          <h2>{title}</h2>
          <span className={styles.summary}>{summary}</span>
        </summary>
        <div className={styles.content}>{children}</div>
      </details>
    </section>
  )
}
