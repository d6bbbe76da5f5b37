import { type FormEvent, useEffect, useId, useState } from 'react'
import { usePaths } from '../../condition/use-paths.ts'
import { mostColumns } from '../../device/address.ts'
import { readTwinPath } from '../../device/twin-path.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Field } from '../../ui/field.tsx'
import styles from '../../ui/form.module.css'

const places = Array.from({ length: mostColumns }, (_, index) => index)

/** Chooses the tags and properties that the list shows. */
export function ColumnsDialog({
  columns,
  onClose,
  onChange,
}: {
  readonly columns: readonly string[]
  readonly onClose: () => void
  readonly onChange: (columns: readonly string[]) => void
}) {
  const [texts, setTexts] = useState<readonly string[]>(places.map((index) => columns[index] ?? ''))
  const [showsProblems, setShowsProblems] = useState(false)
  const listId = useId()
  const known = useKnownPaths()
  const isWrong = (text: string): boolean => text.trim() !== '' && readTwinPath(text) === undefined

  const submit = (event: FormEvent): void => {
    event.preventDefault()
    setShowsProblems(true)
    if (texts.some(isWrong)) return
    onChange([...new Set(texts.flatMap((text) => readTwinPath(text) ?? []))])
    onClose()
  }
  return (
    <Dialog
      title="Columns"
      isEdited={places.some((index) => texts[index] !== (columns[index] ?? ''))}
      onClose={onClose}
    >
      <form className={styles.form} onSubmit={submit} noValidate>
        <p className={styles.note}>Show up to three tags or twin properties as columns.</p>
        {places.map((index) => {
          const text = texts[index] ?? ''
          return (
            <Field
              key={index}
              label={`Column ${index + 1}`}
              optional
              error={
                showsProblems &&
                isWrong(text) &&
                'Enter a path below tags, properties.desired or properties.reported, such as tags.building.'
              }
            >
              {(props) => (
                <input
                  {...props}
                  list={listId}
                  value={text}
                  placeholder={index === 0 ? 'tags.building' : undefined}
                  autoComplete="off"
                  autoCapitalize="none"
                  spellCheck={false}
                  onChange={({ target }) => setTexts(texts.with(index, target.value))}
                />
              )}
            </Field>
          )
        })}
        <datalist id={listId}>
          {known.map((path) => (
            <option key={path} value={path} />
          ))}
        </datalist>
        <div className={styles.actions}>
          <Button onClick={() => setTexts(places.map(() => ''))}>Clear</Button>
          <Button type="submit" kind="primary">
            Apply
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

/** The paths that exist in the fleet; empty until they are known. */
function useKnownPaths(): readonly string[] {
  const pathsFor = usePaths()
  const [paths, setPaths] = useState<readonly string[]>([])
  useEffect(() => {
    let isHere = true
    void pathsFor('').then((known) => {
      if (isHere) setPaths(known.flatMap(({ path }) => readTwinPath(path) ?? []))
    })
    return () => {
      isHere = false
    }
  }, [pathsFor])
  return paths
}
