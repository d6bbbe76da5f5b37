/** The themes to choose from; `system` follows the system's setting. */
export type Theme = 'system' | 'light' | 'dark'

const key = 'twincast-theme'

/** What was chosen on this browser. */
export function keptTheme(): Theme {
  const kept = localStorage.getItem(key)
  return kept === 'light' || kept === 'dark' ? kept : 'system'
}

/** Shows a theme and keeps it. tokens.css does the rest. */
export function applyTheme(theme: Theme): void {
  if (theme === 'system') {
    delete document.documentElement.dataset.theme
    localStorage.removeItem(key)
  } else {
    document.documentElement.dataset.theme = theme
    localStorage.setItem(key, theme)
  }
}
