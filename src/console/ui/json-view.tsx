import { CopyButton } from './copy-button.tsx'
import { piecesOf } from './json-text.ts'
import styles from './json-view.module.css'

/** Shows JSON to read. `label` names it for screen readers. With `isCopied` it has a button that copies it. */
export function JsonView({
  value,
  label,
  isCopied = false,
}: {
  readonly value: unknown
  readonly label: string
  readonly isCopied?: boolean
}) {
  if (!isCopied) return <Json value={value} label={label} />
  return (
    <div>
      <Json value={value} label={label} />
      <div className={styles.copy}>
        <CopyButton what={label} text={JSON.stringify(value, null, 2)} />
      </div>
    </div>
  )
}

function Json({ value, label }: { readonly value: unknown; readonly label: string }) {
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
