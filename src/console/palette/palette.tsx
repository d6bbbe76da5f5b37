import { type KeyboardEvent, useEffect, useId, useMemo, useState } from 'react'
import { useNavigate } from 'react-router'
import { useViewer } from '../hub/use-viewer.ts'
import { allPlacesOf } from '../shell/places.ts'
import { Dialog } from '../ui/dialog.tsx'
import { Icon } from '../ui/icon.tsx'
import { useSavedViews } from '../views/stored-views.ts'
import { type Entry, grouped, matching } from './entries.ts'
import { actionsOfPage, entryOf, isSameActions, type PageAction, watchActions } from './page-actions.ts'
import styles from './palette.module.css'
import { useFound } from './use-found.ts'

/** Goes to a page, a saved view, a job or a device, or carries out an action of the page, by its name. */
export function Palette({ onClose }: { readonly onClose: () => void }) {
  const id = useId()
  const [text, setText] = useState('')
  // The first entry until the arrow keys choose another.
  const [chosen, setChosen] = useState<string>()
  // Enter was pressed before the hub had answered.
  const [isEntered, setEntered] = useState(false)
  const known = useKnownEntries(onClose)
  const found = useFound(text.trim(), onClose)
  const groups = grouped([...matching(known, text), ...found.entries])
  const entries = groups.flatMap((group) => group.entries)
  // None while a chosen action is not offered, so that Enter does nothing else instead.
  const active = chosen === undefined ? entries[0] : entries.find(({ id }) => id === chosen)
  const optionId = (entry: Entry): string => `${id}-${entry.id}`
  const activeId = active && optionId(active)
  useEffect(() => {
    if (activeId !== undefined) document.getElementById(activeId)?.scrollIntoView({ block: 'nearest' })
  }, [activeId])
  useEffect(() => {
    if (!isEntered || found.isLoading) return
    setEntered(false)
    active?.run()
  })

  const choose = (step: 1 | -1): void => {
    const place = active === undefined ? (step === 1 ? -1 : 0) : entries.indexOf(active)
    setChosen(entries.at((place + step) % entries.length)?.id)
  }
  const press = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return
    if (event.key === 'Enter') {
      if (active === undefined && found.isLoading) setEntered(true)
      else active?.run()
    } else if (event.key === 'ArrowDown') choose(1)
    else if (event.key === 'ArrowUp') choose(-1)
    else return
    event.preventDefault()
  }
  return (
    <Dialog title="Find" onClose={onClose}>
      <input
        // A dialog gives the focus to the element with this attribute. React does not set it.
        ref={(input) => input?.setAttribute('autofocus', '')}
        className="control"
        role="combobox"
        aria-label="Page, job, device or action"
        aria-expanded={entries.length > 0}
        aria-controls={`${id}-list`}
        aria-activedescendant={activeId}
        aria-autocomplete="list"
        placeholder="Page, job, device or action…"
        value={text}
        maxLength={128}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        onChange={({ target }) => {
          setText(target.value)
          setChosen(undefined)
          setEntered(false)
        }}
        onKeyDown={press}
      />
      {entries.length > 0 && (
        <div id={`${id}-list`} role="listbox" aria-label="Found" className={styles.list}>
          {groups.map(({ group, entries }, index) => (
            // biome-ignore lint/a11y/useSemanticElements: a fieldset is not allowed in a list box.
            <div key={group} role="group" aria-labelledby={`${id}-group-${index}`}>
              <div id={`${id}-group-${index}`} className={styles.group} role="presentation">
                {group}
              </div>
              {entries.map((entry) => (
                <Option key={entry.id} id={optionId(entry)} entry={entry} isActive={entry === active} />
              ))}
            </div>
          ))}
        </div>
      )}
      <p role="status" className={styles.state}>
        {stateOf(found, entries.length)}
      </p>
    </Dialog>
  )
}

/** An option. The focus stays in the field, whose keys go through the options. */
function Option({ id, entry, isActive }: { readonly id: string; readonly entry: Entry; readonly isActive: boolean }) {
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the field.
    // biome-ignore lint/a11y/useFocusableInteractive: the field refers to the active option.
    <div
      id={id}
      role="option"
      aria-selected={isActive}
      className={styles.option}
      onMouseDown={(event) => event.preventDefault()}
      onClick={entry.run}
    >
      {entry.icon && <Icon name={entry.icon} />}
      <span className={styles.name}>{entry.name}</span>
      {entry.hint !== undefined && <span className={styles.hint}>{entry.hint}</span>}
    </div>
  )
}

/** What can be offered without the hub. */
function useKnownEntries(close: () => void): readonly Entry[] {
  const viewer = useViewer()
  const views = useSavedViews()
  const navigate = useNavigate()
  const actions = useActions()
  return useMemo(() => {
    const goTo = (path: string) => () => {
      close()
      void navigate(path)
    }
    const places = allPlacesOf(viewer)
    const pages = places.map(
      ({ to, name, icon }): Entry => ({ id: `page-${to}`, group: 'Pages', name, icon, run: goTo(to) }),
    )
    const saved = views.flatMap((view): Entry[] => {
      const place = places.find(({ to }) => to === `/${view.page}`)
      if (place === undefined) return []
      const run = goTo(`/${view.page}?${view.search}`)
      const id = `view-${view.page}-${views.indexOf(view)}`
      return [{ id, group: 'Saved views', name: view.name, hint: place.name, icon: place.icon, run }]
    })
    return [...actions.map((action) => entryOf(action, close)), ...pages, ...saved]
  }, [viewer, views, navigate, actions, close])
}

/** The actions of the page behind the palette, as they come and go. */
function useActions(): readonly PageAction[] {
  const [actions, setActions] = useState(actionsOfPage)
  useEffect(() => {
    const look = (): void =>
      setActions((known) => {
        const present = actionsOfPage()
        return isSameActions(known, present) ? known : present
      })
    look()
    return watchActions(look)
  }, [])
  return actions
}

function stateOf({ isLoading, problem }: ReturnType<typeof useFound>, count: number): string {
  if (isLoading) return 'Searching jobs and devices…'
  if (problem !== undefined) return `Jobs and devices could not be searched. ${problem}`
  return count === 0
    ? 'Nothing found.'
    : count === 1
      ? '1 entry. Enter opens it.'
      : `${count} entries. Enter opens the marked one.`
}
