import { useId } from 'react'
import type { FieldName } from './problems.ts'
import rows from './rows.module.css'

/** Some of a few values, in the order of the options. */
export function CheckList<Value extends string>({
  name,
  label,
  options,
  chosen,
  error,
  onChange,
}: {
  readonly name: FieldName
  readonly label: string
  readonly options: readonly { readonly value: Value; readonly word: string }[]
  readonly chosen: readonly Value[]
  readonly error: string | undefined
  readonly onChange: (chosen: readonly Value[]) => void
}) {
  const errorId = useId()
  const values = options.map(({ value }) => value)
  return (
    <fieldset className={rows.checks} data-field={name} aria-describedby={error === undefined ? undefined : errorId}>
      <legend>{label}</legend>
      {options.map(({ value, word }) => (
        <label key={value}>
          <input
            type="checkbox"
            checked={chosen.includes(value)}
            onChange={({ target }) =>
              onChange(values.filter((one) => (one === value ? target.checked : chosen.includes(one))))
            }
          />
          {word}
        </label>
      ))}
      <p id={errorId} className={rows.problem} role="alert">
        {error}
      </p>
    </fieldset>
  )
}
