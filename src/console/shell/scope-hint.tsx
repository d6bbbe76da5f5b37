import { useViewer } from '../hub/use-viewer.ts'
import styles from './page.module.css'

/** Says above a list which devices the viewer sees. Empty for a viewer without a scope. */
export function ScopeHint() {
  const { scope } = useViewer()
  if (scope === null) return null
  return (
    <p className={styles.scope}>
      You see only devices that meet <code>{scope}</code>.
    </p>
  )
}
