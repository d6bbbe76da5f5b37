import type { ReactNode } from 'react'
import styles from './facts.module.css'

/** What there is to know about something, in a few words each: `<Facts><Fact name="Created">…</Fact></Facts>`. */
export function Facts({ children }: { readonly children: ReactNode }) {
  return <dl className={styles.facts}>{children}</dl>
}

/** A fact with its name above it. */
export function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
