import { useViewer } from '../hub/use-viewer.ts'
import styles from './page.module.css'

/** Which devices the viewer sees, on lists of what concerns devices. Nothing where these are all. */
export function ScopeHint() {
  const { scope } = useViewer()
  if (scope === null) return null
  return (
    <p className={styles.scope}>
      You see only devices that meet <code>{scope}</code>.
    </p>
  )
}
