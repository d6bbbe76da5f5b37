import { useEffect, useState } from 'react'
import type { CombinedError } from 'urql'
import type { JobNowFragment } from '../../../generated/console/graphql.ts'
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

/** A condition over the twins. `error`: why the hub refused it. */
export function Condition({ filters, error, onChange }: PartProps & { readonly error: CombinedError | undefined }) {
  const [text, setText] = useText(filters.condition)
  const isApplied = text.trim() === filters.condition
  const apply = (): void => {
    if (!isApplied) onChange({ ...filters, condition: text.trim() })
  }
  return (
    <form
      className={styles.condition}
      onSubmit={(event) => {
        event.preventDefault()
        apply()
      }}
    >
      <Field
        label="Twin meets"
        error={error && isApplied && <ConditionProblem condition={filters.condition} error={error} />}
      >
        {(props) => (
          <input
            {...props}
            className={styles.code}
            placeholder="tags.site = 'north'"
            autoCapitalize="none"
            autoComplete="off"
            spellCheck={false}
            value={text}
            onChange={({ target }) => setText(target.value)}
            onBlur={apply}
          />
        )}
      </Field>
    </form>
  )
}

/** What is wrong with a condition, below the place where it is. */
function ConditionProblem({ condition, error }: { readonly condition: string; readonly error: CombinedError }) {
  const [first] = error.graphQLErrors
  const column = Number(first?.extensions?.column ?? 1)
  return (
    <>
      <code className={styles.place} aria-hidden="true">
        {condition}
        {'\n'}
        {' '.repeat(Math.max(0, column - 1))}^
      </code>
      {first?.message}
    </>
  )
}

/** What stands in a control: what is typed, until what is applied changes otherwise. */
function useText(given: string): [string, (text: string) => void] {
  const [text, setText] = useState(given)
  useEffect(() => setText(given), [given])
  return [text, setText]
}
