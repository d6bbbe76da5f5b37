import { formatCount } from '../../format.ts'
import styles from './dialogs.module.css'

/** Checkboxes for a few values, each with its number of devices. */
export function CheckboxGroup<Value extends string | number>({
  label,
  options,
  chosen,
  onChange,
}: {
  readonly label: string
  readonly options: readonly { readonly value: Value; readonly word: string; readonly count: number }[]
  readonly chosen: readonly Value[]
  readonly onChange: (chosen: readonly Value[]) => void
}) {
  return (
    <fieldset className={styles.within} aria-label={label}>
      {options.map(({ value, word, count }) => (
        <label key={value} className={styles.option}>
          <input
            type="checkbox"
            checked={chosen.includes(value)}
            onChange={({ target }) =>
              onChange(target.checked ? [...chosen, value] : chosen.filter((one) => one !== value))
            }
          />
          <code>{word}</code>
          <span className={styles.count}>{formatCount(count)}</span>
        </label>
      ))}
    </fieldset>
  )
}
