import { piecesOf } from './json-text.ts'
import styles from './json-view.module.css'

/** Shows JSON to read and copy. `label` names it for screen readers. */
export function JsonView({ value, label }: { readonly value: unknown; readonly label: string }) {
  let place = 0
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard.
    <section className={styles.view} aria-label={label} tabIndex={0}>
      <pre>
        {piecesOf(value).map(({ text, kind }) => {
          place += text.length
          return (
            <span key={place} className={kind && styles[kind]}>
              {text}
            </span>
          )
        })}
      </pre>
    </section>
  )
}
