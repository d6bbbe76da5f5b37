import { useEffect, useState } from 'react'

/** The current value of a token of tokens.css, because a canvas cannot use tokens. */
export function colourOf(element: HTMLElement): (token: string) => string {
  return (token) => {
    const probe = document.createElement('span')
    probe.style.color = `var(${token})`
    element.append(probe)
    const { color } = getComputedStyle(probe)
    probe.remove()
    return color
  }
}

/** A number that changes with each change between light and dark. */
export function useTheme(): number {
  const [theme, setTheme] = useState(0)
  useEffect(() => {
    const change = (): void => setTheme((known) => known + 1)
    const observer = new MutationObserver(change)
    observer.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    const dark = matchMedia('(prefers-color-scheme: dark)')
    dark.addEventListener('change', change)
    return () => {
      observer.disconnect()
      dark.removeEventListener('change', change)
    }
  }, [])
  return theme
}
