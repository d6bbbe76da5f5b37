import { useState } from 'react'
import { Icon } from '../ui/icon.tsx'
import styles from './layout.module.css'
import { applyTheme, keptTheme, type Theme } from './theme.ts'

const order: readonly Theme[] = ['system', 'light', 'dark']

/** Cycles through system, light and dark. */
export function ThemeSwitch() {
  const [theme, setTheme] = useState(keptTheme)
  const next = order[(order.indexOf(theme) + 1) % order.length] ?? 'system'
  const label = `Theme: ${theme}`
  return (
    <button
      type="button"
      className={styles.tool}
      aria-label={label}
      title={label}
      onClick={() => {
        applyTheme(next)
        setTheme(next)
      }}
    >
      <Icon name={theme} />
    </button>
  )
}
