import { Link } from 'react-router'
import styles from './named-link.module.css'

/** The first cell of a row that leads to a page: what the row is called, and a description below. */
export function NamedLink({
  to,
  name,
  description,
}: {
  readonly to: string
  readonly name: string
  readonly description: string | null
}) {
  return (
    <div className={styles.name}>
      <Link className={`${styles.link} stretched`} to={to}>
        {name}
      </Link>
      {description !== null && <span className={styles.muted}>{description}</span>}
    </div>
  )
}
