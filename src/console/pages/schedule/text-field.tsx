import { Field } from '../../ui/field.tsx'
import type { Draft } from './draft.ts'
import type { FieldName } from './problems.ts'
import type { StepProps } from './step.ts'

/** The members of a draft that are typed as a text. */
type TextName = { [Name in keyof Draft]: string extends Draft[Name] ? Name : never }[keyof Draft] & FieldName

/** A line of text. */
export function TextField({
  name,
  label,
  hint,
  mode,
  isOptional = true,
  list,
  draft,
  problems,
  change,
}: StepProps & {
  readonly name: TextName
  readonly label: string
  readonly hint: string
  /** The keyboard that telephones show. */
  readonly mode?: 'numeric' | 'decimal'
  readonly isOptional?: boolean
  /** The ID of a list of proposals. */
  readonly list?: string
}) {
  return (
    <Field name={name} label={label} optional={isOptional} error={problems[name]} hint={hint}>
      {(control) => (
        <input
          {...control}
          inputMode={mode}
          list={list}
          spellCheck={false}
          value={draft[name]}
          onChange={({ target }) => change({ [name]: target.value })}
        />
      )}
    </Field>
  )
}
