import { type ReactNode, useId } from 'react'
import styles from './field.module.css'

/** The props that a field passes to its control. */
export type ControlProps = {
  readonly id: string
  readonly 'aria-describedby': string | undefined
  readonly 'aria-invalid': true | undefined
}

/** A labelled control with a hint and an error below it: `<Field label="Name">{(props) => <input {...props} />}</Field>`. */
export function Field({
  label,
  hint,
  error,
  optional = false,
  name,
  children,
}: {
  readonly label: ReactNode
  readonly hint?: ReactNode
  /** What is wrong and what to do; announced when it appears. */
  readonly error?: ReactNode
  /** Marks the field as optional. */
  readonly optional?: boolean
  /** By which the focus finds it when it has a problem. */
  readonly name?: string | undefined
  readonly children: (props: ControlProps) => ReactNode
}) {
  const id = useId()
  const hintId = `${id}-hint`
  const errorId = `${id}-error`
  const describedBy = [error ? errorId : undefined, hint ? hintId : undefined].filter(Boolean).join(' ')
  return (
    <div className={styles.field} data-field={name}>
      <label className={styles.label} htmlFor={id}>
        {label}
        {optional && <span className={styles.optional}> optional</span>}
      </label>
      {children({ id, 'aria-describedby': describedBy || undefined, 'aria-invalid': error ? true : undefined })}
      <p className={styles.error} id={errorId} role="alert">
        {error}
      </p>
      {hint && (
        <p className={styles.hint} id={hintId}>
          {hint}
        </p>
      )}
    </div>
  )
}
