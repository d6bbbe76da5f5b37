import 'react'

declare module 'react' {
  /** Custom properties may be set on an element, too. */
  interface CSSProperties {
    [property: `--${string}`]: string
  }
}
