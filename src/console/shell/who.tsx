import { useViewer } from '../hub/use-viewer.ts'
import styles from './layout.module.css'

/** Who is signed in, with the roles. Nothing where the hub asks for no token. */
export function Who() {
  const { kind, name, roles, scope } = useViewer()
  if (kind === 'ANONYMOUS') return null
  const what = kind === 'PERSON' ? roles.join(', ') : 'policy'
  const title = `${name} (${what})${scope === null ? '' : `. Only devices that meet ${scope} are shown.`}`
  return (
    <span className={styles.who} title={title}>
      <span className={styles.name}>{name}</span>
      <span className={styles.roles}>{what}</span>
    </span>
  )
}
