import { useEffect, useState } from 'react'
import type { JobNowFragment } from '../../../generated/console/graphql.ts'
import { type ConditionFault, describeFault } from '../../condition/fault.ts'
import { ConditionInput } from '../../condition/input.tsx'
import { Field } from '../../ui/field.tsx'
import styles from './filter-bar.module.css'
import { type Filters, readStatuses } from './filters.ts'
import { errorsOf } from './retry-choice.ts'

type PartProps = { readonly filters: Filters; readonly onChange: (filters: Filters) => void }

/** One of the codes there are; an address may ask for several. */
export function ErrorCodes({
  filters,
  groups,
  onChange,
}: PartProps & { readonly groups: JobNowFragment['failureGroups'] }) {
  const several = filters.errorCode.length > 1 ? filters.errorCode.join(' or ') : undefined
  const codes = [...new Set([...errorsOf(groups).map(({ code }) => code), ...filters.errorCode])]
  return (
    <Field label="Error">
      {(props) => (
        <select
          {...props}
          value={several ?? filters.errorCode[0] ?? ''}
          onChange={({ target }) => {
            if (target.value !== several) onChange({ ...filters, errorCode: target.value === '' ? [] : [target.value] })
          }}
        >
          <option value="">Any or none</option>
          {several !== undefined && <option value={several}>{several}</option>}
          {codes.map((code) => (
            <option key={code} value={code}>
              {code}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}

/** Statuses that devices answered with, as a text. Applied with Enter, and when one goes on. */
export function ResponseStatuses({ filters, onChange }: PartProps) {
  const given = filters.responseStatus.join(', ')
  const [text, setText] = useText(given)
  const statuses = readStatuses(text)
  const apply = (): void => {
    if (statuses !== undefined && statuses.join(', ') !== given) onChange({ ...filters, responseStatus: statuses })
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        apply()
      }}
    >
      <Field label="Answered status" error={statuses === undefined && 'Numbers, with commas between them.'}>
        {(props) => (
          <input
            {...props}
            inputMode="numeric"
            className={styles.short}
            placeholder="200, 409"
            value={text}
            onChange={({ target }) => setText(target.value)}
            onBlur={apply}
          />
        )}
      </Field>
    </form>
  )
}

/** A condition over the twins, applied in the same way. `fault`: where the hub stumbled over it. */
export function Condition({ filters, fault, onChange }: PartProps & { readonly fault: ConditionFault | undefined }) {
  const [text, setText] = useText(filters.condition)
  const isApplied = text.trim() === filters.condition
  const apply = (): void => {
    if (!isApplied) onChange({ ...filters, condition: text.trim() })
  }
  const shown = isApplied ? fault : undefined
  return (
    <div className={styles.condition}>
      <Field label="Twin meets" error={shown && describeFault(shown, text)}>
        {(props) => (
          <ConditionInput
            {...props}
            label="Twin meets"
            value={text}
            onChange={setText}
            onSubmit={apply}
            onLeave={apply}
            fault={shown}
          />
        )}
      </Field>
    </div>
  )
}

/** What stands in a control: what is typed, until what is applied changes otherwise. */
function useText(given: string): [string, (text: string) => void] {
  const [text, setText] = useState(given)
  useEffect(() => setText(given), [given])
  return [text, setText]
}
