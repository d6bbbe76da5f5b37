import { type FormEvent, useEffect, useRef, useState } from 'react'
import { Link } from 'react-router'
import { useAnnounce } from '../shell/announcer.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Field } from '../ui/field.tsx'
import {
  findView,
  type ListPage,
  longestName,
  problemOf,
  renamed,
  type SavedView,
  withoutView,
  withView,
} from './saved-views.ts'
import { storeViews, useSavedViews } from './stored-views.ts'
import styles from './views-dialog.module.css'

const notStored = 'The browser could not store it. Its storage for this site may be full or turned off.'

/** Saves the present filters of a list under a name, and opens, renames and deletes what was saved. */
export function ViewsDialog({
  page,
  search,
  onClose,
}: {
  readonly page: ListPage
  readonly search: string
  readonly onClose: () => void
}) {
  const views = useSavedViews()
  const own = views.filter((view) => view.page === page)
  const [named, setNamed] = useState<SavedView>()
  // The control that had the focus is gone.
  const list = useRef<HTMLUListElement>(null)
  const focusList = (): void => list.current?.focus()
  return (
    <Dialog title="Saved views" onClose={onClose}>
      <SaveForm page={page} search={search} />
      {own.length > 0 && (
        <ul ref={list} tabIndex={-1} className={styles.views} aria-label="Saved views">
          {own.map((view) => (
            <li key={view.name}>
              {view === named ? (
                <RenameForm
                  view={view}
                  onDone={() => {
                    setNamed(undefined)
                    focusList()
                  }}
                />
              ) : (
                <OneView view={view} onOpen={onClose} onRename={() => setNamed(view)} onDeleted={focusList} />
              )}
            </li>
          ))}
        </ul>
      )}
      <p className={styles.note}>Views are kept in this browser. To share one, copy its address.</p>
    </Dialog>
  )
}

function SaveForm({ page, search }: { readonly page: ListPage; readonly search: string }) {
  const views = useSavedViews()
  const announce = useAnnounce()
  const [name, setName] = useState('')
  const [problem, setProblem] = useState<string>()
  const isKnown = findView(views, { page, name: name.trim() }) !== undefined
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    const view = { page, name: name.trim(), search }
    const found = problemOf(name) ?? (storeViews(withView(views, view)) ? undefined : notStored)
    setProblem(found)
    if (found !== undefined) return
    announce(`View ${view.name} saved.`)
    setName('')
  }
  return (
    <form className={styles.line} onSubmit={submit} noValidate>
      <Field label="Save the present view as" error={problem} hint="Its filters, order and columns.">
        {(props) => <NameInput {...props} value={name} onChange={setName} />}
      </Field>
      <Button
        type="submit"
        kind="primary"
        denied={search === '' ? 'The list has no filters, and the default order.' : undefined}
      >
        {isKnown ? 'Replace' : 'Save'}
      </Button>
    </form>
  )
}

function RenameForm({ view, onDone }: { readonly view: SavedView; readonly onDone: () => void }) {
  const views = useSavedViews()
  const [name, setName] = useState(view.name)
  const [problem, setProblem] = useState<string>()
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    const next = name.trim()
    const isTaken = next !== view.name && findView(views, { ...view, name: next }) !== undefined
    const found =
      problemOf(next) ??
      (isTaken ? 'Another view has this name.' : undefined) ??
      (storeViews(renamed(views, view, next)) ? undefined : notStored)
    setProblem(found)
    if (found === undefined) onDone()
  }
  return (
    <form className={styles.line} onSubmit={submit} noValidate>
      <Field label={`New name of ${view.name}`} error={problem}>
        {(props) => <NameInput {...props} value={name} onChange={setName} isFocused />}
      </Field>
      <Button onClick={onDone}>Cancel</Button>
      <Button type="submit" kind="primary">
        Rename
      </Button>
    </form>
  )
}

function OneView({
  view,
  onOpen,
  onRename,
  onDeleted,
}: {
  readonly view: SavedView
  readonly onOpen: () => void
  readonly onRename: () => void
  readonly onDeleted: () => void
}) {
  const views = useSavedViews()
  const announce = useAnnounce()
  return (
    <div className={styles.view}>
      <Link to={`/${view.page}?${view.search}`} className={styles.name} onClick={onOpen}>
        {view.name}
      </Link>
      <Button kind="quiet" aria-label={`Rename ${view.name}`} onClick={onRename}>
        Rename
      </Button>
      <Button
        kind="quiet"
        aria-label={`Delete ${view.name}`}
        onClick={() => {
          if (!storeViews(withoutView(views, view))) return
          announce(`View ${view.name} deleted.`)
          onDeleted()
        }}
      >
        Delete
      </Button>
    </div>
  )
}

function NameInput({
  onChange,
  isFocused = false,
  ...rest
}: {
  readonly id: string
  readonly value: string
  readonly onChange: (name: string) => void
  /** Whether it takes the focus when it appears. */
  readonly isFocused?: boolean
}) {
  const ref = useRef<HTMLInputElement>(null)
  useEffect(() => {
    if (!isFocused) return
    ref.current?.focus()
    ref.current?.select()
  }, [isFocused])
  return (
    <input
      {...rest}
      ref={ref}
      maxLength={longestName}
      autoComplete="off"
      spellCheck={false}
      onChange={({ target }) => onChange(target.value)}
    />
  )
}
