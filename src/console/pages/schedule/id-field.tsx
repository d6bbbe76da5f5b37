import { Field } from '../../ui/field.tsx'
import styles from './form.module.css'
import type { StepProps } from './step.ts'

/** The ID of a job or of a template. `noun` begins the label, and `otherwise` says what happens without one. */
export function IdField({
  noun,
  otherwise,
  draft,
  problems,
  change,
}: Pick<StepProps, 'draft' | 'problems' | 'change'> & { readonly noun: string; readonly otherwise?: string }) {
  const characters = 'Up to 64 letters, digits and dashes.'
  return (
    <Field
      label={`${noun} ID`}
      optional={otherwise !== undefined}
      error={problems.jobId}
      hint={otherwise === undefined ? characters : `${characters} ${otherwise}`}
    >
      {(control) => (
        <input
          {...control}
          className={styles.code}
          value={draft.jobId}
          maxLength={64}
          autoCapitalize="none"
          autoComplete="off"
          spellCheck={false}
          onChange={({ target }) => change({ jobId: target.value })}
        />
      )}
    </Field>
  )
}
