import { type ButtonHTMLAttributes, type ReactNode, useId } from 'react'
import { Link, type LinkProps } from 'react-router'
import styles from './button.module.css'
import { classes } from './classes.ts'

type Look = {
  /** `primary`: the main action of a page. `danger`: cannot be undone. `quiet`: a minor action. */
  readonly kind?: 'primary' | 'plain' | 'danger' | 'quiet'
  /** Why it cannot be used, as a sentence. The button then says so, and does nothing. */
  readonly denied?: string | undefined
}

/** A button. While `busy` it is disabled and marked as busy. */
export function Button({
  kind = 'plain',
  busy = false,
  type = 'button',
  className,
  children,
  disabled,
  denied,
  ...rest
}: ButtonHTMLAttributes<HTMLButtonElement> & Look & { readonly busy?: boolean }) {
  if (denied !== undefined) return <Denied {...{ kind, className, denied, children }} label={rest['aria-label']} />
  return (
    <button
      {...rest}
      type={type}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
      className={classes(styles.button, styles[kind], className)}
    >
      {children}
    </button>
  )
}

/** A link that looks like a button: it leads to another page. */
export function ButtonLink({ kind = 'plain', className, denied, ...rest }: LinkProps & Look) {
  if (denied !== undefined) return <Denied {...{ kind, className, denied }}>{rest.children}</Denied>
  return <Link {...rest} className={classes(styles.button, styles[kind], className)} />
}

/** A button that cannot be used. It takes the focus, so that its reason can be read without a pointer. */
function Denied({
  kind = 'plain',
  className,
  denied,
  label,
  children,
}: Look & {
  readonly className?: string | undefined
  readonly label?: string | undefined
  readonly children?: ReactNode
}) {
  const id = useId()
  return (
    <span className={styles.denied}>
      <button
        type="button"
        aria-disabled="true"
        aria-describedby={id}
        aria-label={label}
        className={classes(styles.button, styles[kind], className)}
      >
        {children}
      </button>
      <span id={id} role="tooltip" className={styles.reason}>
        {denied}
      </span>
    </span>
  )
}
