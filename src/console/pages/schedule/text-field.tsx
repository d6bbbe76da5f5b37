import { Field } from '../../ui/field.tsx'
import type { Draft } from './draft.ts'
import type { FieldName } from './problems.ts'
import type { StepProps } from './step.ts'

/** The members of a draft that are typed as a text. */
type TextName = { [Name in keyof Draft]: string extends Draft[Name] ? Name : never }[keyof Draft] & FieldName

/** A line of text that may be left empty. */
export function TextField({
  name,
  label,
  hint,
  mode,
  draft,
  problems,
  change,
}: StepProps & {
  readonly name: TextName
  readonly label: string
  readonly hint: string
  /** The keyboard that telephones show. */
  readonly mode?: 'numeric' | 'decimal'
}) {
  return (
    <div data-field={name}>
      <Field label={label} optional error={problems[name]} hint={hint}>
        {(control) => (
          <input
            {...control}
            inputMode={mode}
            spellCheck={false}
            value={draft[name]}
            onChange={({ target }) => change({ [name]: target.value })}
          />
        )}
      </Field>
    </div>
  )
}
