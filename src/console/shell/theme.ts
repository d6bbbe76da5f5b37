/** The themes to choose from; `system` follows the system's setting. */
export type Theme = 'system' | 'light' | 'dark'

const key = 'twincast-theme'

/** The theme that was chosen in this browser. */
export function keptTheme(): Theme {
  const kept = localStorage.getItem(key)
  return kept === 'light' || kept === 'dark' ? kept : 'system'
}

/** Applies and stores a theme. tokens.css defines its colours. */
export function applyTheme(theme: Theme): void {
  if (theme === 'system') {
    delete document.documentElement.dataset.theme
    localStorage.removeItem(key)
  } else {
    document.documentElement.dataset.theme = theme
    localStorage.setItem(key, theme)
  }
}
