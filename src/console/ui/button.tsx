import type { ButtonHTMLAttributes } from 'react'
import { Link, type LinkProps } from 'react-router'
import styles from './button.module.css'
import { classes } from './classes.ts'

type Look = {
  /** `primary`: the main action of a page. `danger`: cannot be undone. `quiet`: a minor action. */
  readonly kind?: 'primary' | 'plain' | 'danger' | 'quiet'
}

/** A button. While `busy` it is disabled and marked as busy. */
export function Button({
  kind = 'plain',
  busy = false,
  type = 'button',
  className,
  children,
  disabled,
  ...rest
}: ButtonHTMLAttributes<HTMLButtonElement> & Look & { readonly busy?: boolean }) {
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
export function ButtonLink({ kind = 'plain', className, ...rest }: LinkProps & Look) {
  return <Link {...rest} className={classes(styles.button, styles[kind], className)} />
}
