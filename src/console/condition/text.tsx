import { useLayoutEffect, useRef, useState } from 'react'
import { Button } from '../ui/button.tsx'
import { classes } from '../ui/classes.ts'
import { CopyButton } from '../ui/copy-button.tsx'
import styles from './text.module.css'

/** A condition to read: a long one is folded, and strings in it are not broken at their hyphens. */
export function ConditionText({ condition }: { readonly condition: string }) {
  const block = useRef<HTMLElement>(null)
  const [isLong, setLong] = useState(false)
  const [isOpen, setOpen] = useState(false)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another condition may have another height.
  useLayoutEffect(() => {
    const element = block.current
    if (element !== null && !isOpen) setLong(element.scrollHeight > element.clientHeight + 1)
  }, [condition, isOpen])
  let place = 0
  return (
    <div>
      <code
        ref={block}
        className={classes(styles.condition, !isOpen && styles.folded, isLong && !isOpen && styles.faded)}
      >
        {condition.split(/('[^']*')/).map((piece) => {
          place += piece.length
          return piece.startsWith("'") ? (
            <span key={place} className={styles.string}>
              {piece}
            </span>
          ) : (
            piece
          )
        })}
      </code>
      <div className={styles.actions}>
        {isLong && (
          <Button kind="quiet" className={styles.action} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            {isOpen ? 'Show less' : 'Show all'}
          </Button>
        )}
        <CopyButton what="condition" text={condition} />
      </div>
    </div>
  )
}
