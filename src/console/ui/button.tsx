import { type AriaAttributes, type ButtonHTMLAttributes, type ReactNode, useId } from 'react'
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
  disabled,
  denied,
  onClick,
  ...rest
}: ButtonHTMLAttributes<HTMLButtonElement> & Look & { readonly busy?: boolean }) {
  const isDenied = denied !== undefined
  return (
    <Deniable denied={denied}>
      {(why) => (
        <button
          {...rest}
          {...why}
          type={type}
          disabled={!isDenied && (disabled || busy)}
          aria-busy={busy || undefined}
          className={classes(styles.button, styles[kind], className)}
          // Also the click that submits a form when Enter is pressed in one of its fields.
          onClick={isDenied ? (event) => event.preventDefault() : onClick}
        />
      )}
    </Deniable>
  )
}

/** A link that looks like a button: it leads to another page. */
export function ButtonLink({ kind = 'plain', className, denied, ...rest }: LinkProps & Look) {
  const looks = classes(styles.button, styles[kind], className)
  if (denied === undefined) return <Link {...rest} className={looks} />
  return (
    <Deniable denied={denied}>
      {(why) => (
        <button {...why} type="button" className={looks}>
          {rest.children}
        </button>
      )}
    </Deniable>
  )
}

/**
 * A control and, while it cannot be used, the reason. It takes the focus then, so that its reason can be read without a
 * pointer, and keeps the focus that it has.
 */
function Deniable({
  denied,
  children,
}: {
  readonly denied: string | undefined
  readonly children: (why: Pick<AriaAttributes, 'aria-disabled' | 'aria-describedby'>) => ReactNode
}) {
  const id = useId()
  const isDenied = denied !== undefined
  return (
    <span className={isDenied ? styles.denied : styles.allowed}>
      {children(isDenied ? { 'aria-disabled': true, 'aria-describedby': id } : {})}
      {isDenied && (
        <span id={id} role="tooltip" className={styles.reason}>
          {denied}
        </span>
      )}
    </span>
  )
}
