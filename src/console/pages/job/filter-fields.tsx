import { useEffect, useState } from 'react'
import type { JobNowFragment } from '../../../generated/console/graphql.ts'
import { type ConditionFault, describeFault } from '../../condition/fault.ts'
import { ConditionInput } from '../../condition/input.tsx'
import { Field } from '../../ui/field.tsx'
import styles from './filter-bar.module.css'
import { type Filters, readStatuses } from './filters.ts'
import { errorsOf } from './retry-choice.ts'

type PartProps = { readonly filters: Filters; readonly onChange: (filters: Filters) => void }

/** One of the error codes in the job; an address may name several. */
export function ErrorCodes({
  filters,
  groups,
  onChange,
}: PartProps & { readonly groups: NonNullable<JobNowFragment['failureGroups']> }) {
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
          <option value="">Any</option>
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

/** The statuses that devices responded with, as a text. Applied with Enter and when the focus leaves. */
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
      <Field label="Response status" error={statuses === undefined && 'Enter numbers separated by commas.'}>
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

/** A condition over the twins, applied in the same way. `fault`: where the hub found it to be wrong. */
export function Condition({ filters, fault, onChange }: PartProps & { readonly fault: ConditionFault | undefined }) {
  const [text, setText] = useText(filters.condition)
  const isApplied = text.trim() === filters.condition
  const apply = (): void => {
    if (!isApplied) onChange({ ...filters, condition: text.trim() })
  }
  const shown = isApplied ? fault : undefined
  return (
    <div className={styles.condition}>
      <Field label="Device condition" error={shown && describeFault(shown, text)}>
        {(props) => (
          <ConditionInput
            {...props}
            label="Device condition"
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

/** The text of a control: the typed text, until the applied value is changed elsewhere. */
function useText(given: string): [string, (text: string) => void] {
  const [text, setText] = useState(given)
  useEffect(() => setText(given), [given])
  return [text, setText]
}
