import { type ReactNode, useEffect, useRef } from 'react'
import { useLocation } from 'react-router'
import styles from './page.module.css'

/** The address at which the console was loaded: there, the focus stays where the browser put it. */
let firstPath: string | undefined

/**
 * A page: its heading, its actions, its content. The heading is also the title of the browser's tab. It takes the focus
 * when the user comes from another page, so that screen readers announce the new one. The palette offers the actions.
 */
export function Page({
  title,
  tab = title,
  lead,
  actions,
  children,
}: {
  readonly title: string
  /** What the browser's tab has instead of the title. */
  readonly tab?: string
  /** Shown next to the heading, such as a status or a number. */
  readonly lead?: ReactNode
  readonly actions?: ReactNode
  readonly children: ReactNode
}) {
  const { pathname } = useLocation()
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    firstPath ??= pathname
    if (firstPath !== pathname) heading.current?.focus({ preventScroll: true })
    if (firstPath !== pathname) firstPath = ''
  }, [pathname])
  return (
    <div className={styles.page}>
      <title>{`${tab} · Twincast`}</title>
      <header className={styles.header}>
        <div className={styles.heading}>
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {lead}
        </div>
        {actions && (
          <div className={styles.actions} data-actions>
            {actions}
          </div>
        )}
      </header>
      {children}
    </div>
  )
}

/** A part of a page with a heading of its own. */
export function Panel({
  title,
  actions,
  children,
}: {
  readonly title: string
  readonly actions?: ReactNode
  readonly children: ReactNode
}) {
  return (
    <section className={styles.panel} aria-label={title}>
      <header className={styles.panelHead} data-actions>
        <h2>{title}</h2>
        {actions}
      </header>
      {children}
    </section>
  )
}
