import { useEffect, useId, useState } from 'react'
import { type ConditionFault, describeFault } from '../../condition/fault.ts'
import { ConditionInput } from '../../condition/input.tsx'
import { type DeviceList, isFiltered } from '../../device/address.ts'
import { useFilterKey } from '../../keys/use-filter-key.ts'
import { Button } from '../../ui/button.tsx'
import { SearchInput } from '../../ui/search-input.tsx'
import styles from './filter-bar.module.css'

/** Which devices are shown, and how. `fault`: where the hub found the condition to be wrong. */
export function FilterBar({
  list,
  fault,
  onChange,
  onColumns,
}: {
  readonly list: DeviceList
  readonly fault: ConditionFault | undefined
  /** `isStep`: a search of its own, to which the browser's Back returns. */
  readonly onChange: (list: DeviceList, isStep: boolean) => void
  readonly onColumns: () => void
}) {
  const bar = useFilterKey<HTMLElement>()
  const [text, setText] = useState(list.condition)
  useEffect(() => setText(list.condition), [list.condition])
  const id = useId()
  const isApplied = text.trim() === list.condition
  const apply = (): void => {
    const condition = text.trim() === '*' ? '' : text.trim()
    if (condition !== list.condition) onChange({ ...list, condition }, true)
  }
  const shown = isApplied ? fault : undefined
  return (
    <search ref={bar} className={styles.bar} aria-label="Search devices">
      <SearchInput
        label="Device ID starts with"
        value={list.idPrefix}
        maxLength={128}
        onChange={(idPrefix) => onChange({ ...list, idPrefix }, false)}
      />
      <div className={styles.condition}>
        <ConditionInput
          label="Condition"
          value={text}
          onChange={setText}
          onSubmit={apply}
          fault={shown}
          placeholder="Condition: tags.site = 'north'"
          aria-describedby={`${id}-fault ${id}-hint`}
          aria-invalid={shown === undefined ? undefined : true}
        />
        <p className={styles.fault} id={`${id}-fault`} role="alert">
          {shown && describeFault(shown, text)}
        </p>
        <p className="hidden" id={`${id}-hint`}>
          Press Enter to search, Ctrl+Space for suggestions, and the arrow keys to choose one.
        </p>
      </div>
      <div className={styles.buttons}>
        <Button onClick={apply} disabled={isApplied}>
          Search
        </Button>
        {isFiltered(list) && (
          <Button
            kind="quiet"
            onClick={() => {
              setText('')
              onChange({ ...list, condition: '', idPrefix: '' }, true)
            }}
          >
            Clear
          </Button>
        )}
        <Button onClick={onColumns}>Columns…</Button>
      </div>
    </search>
  )
}
