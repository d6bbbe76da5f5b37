import { readInt, readNumber } from '../../read-number.ts'
import { describeRule } from '../../rollout-words.ts'
import { Button } from '../../ui/button.tsx'
import { Field } from '../../ui/field.tsx'
import { CheckList } from './check-list.tsx'
import { abortOutcomes, countedOf, emptyRule, type RuleDraft } from './draft.ts'
import styles from './form.module.css'
import { countedIn } from './request.ts'
import rows from './rows.module.css'
import { replaceRow, withoutRow } from './rows.ts'
import type { StepProps } from './step.ts'
import { useRowFocus } from './use-row-focus.ts'

/** The most abort rules of a job. */
const mostRules = 10

/** A rule to begin with. Two rules need different thresholds, so only the first has a percentage. */
const newRule = (count: number): RuleDraft => ({
  ...emptyRule,
  on: ['FAILED', 'REFUSED'],
  percent: count === 0 ? '5' : '',
  afterDevices: '10',
  action: count === 0 ? 'PAUSE' : 'CANCEL',
})

/** The rules by which the job pauses or cancels itself. */
export function AbortRules({ draft: { abort, operation }, problems, change }: StepProps) {
  const list = useRowFocus(abort.length)
  return (
    <fieldset ref={list} data-field="abort" className={rows.list}>
      <legend>Abort rules</legend>
      <p className={styles.explanation}>
        The job pauses or cancels itself when too many devices fail
        {operation === 'method' && ', refuse by a response status of 400 or more, or respond with a certain status'}.
      </p>
      {abort.map((rule, row) => (
        <Rule
          // biome-ignore lint/suspicious/noArrayIndexKey: a row has no identity but its place.
          key={row}
          rule={rule}
          row={row}
          problems={problems}
          onChange={(part) => change({ abort: replaceRow(abort, row, part) })}
          onRemove={() => change({ abort: withoutRow(abort, row) })}
        />
      ))}
      <p className={rows.problem} role="alert">
        {problems.abort}
      </p>
      <div>
        <Button
          denied={abort.length >= mostRules ? `A job has at most ${mostRules} abort rules.` : undefined}
          onClick={() => change({ abort: [...abort, newRule(abort.length)] })}
        >
          Add abort rule
        </Button>
      </div>
    </fieldset>
  )
}

function Rule({
  rule,
  row,
  problems,
  onChange,
  onRemove,
}: {
  readonly rule: RuleDraft
  readonly row: number
  readonly problems: StepProps['problems']
  readonly onChange: (part: Partial<RuleDraft>) => void
  readonly onRemove: () => void
}) {
  return (
    <fieldset className={rows.rule} data-row data-field={`abort.${row}`} aria-label={`Abort rule ${row + 1}`}>
      <div className={rows.fields}>
        <div data-field={`abort.${row}.action`}>
          <Field label="Action" error={problems[`abort.${row}.action`]}>
            {(control) => (
              <select
                {...control}
                value={rule.action}
                onChange={({ target }) => onChange({ action: target.value === 'CANCEL' ? 'CANCEL' : 'PAUSE' })}
              >
                <option value="PAUSE">Pause</option>
                <option value="CANCEL">Cancel</option>
              </select>
            )}
          </Field>
        </div>
        <div data-field={`abort.${row}.percent`}>
          <Field label="At (%)" error={problems[`abort.${row}.percent`]} hint="Of those finished. 0: at the first.">
            {(control) => (
              <input
                {...control}
                inputMode="decimal"
                value={rule.percent}
                onChange={({ target }) => onChange({ percent: target.value })}
              />
            )}
          </Field>
        </div>
        <CountedResults rule={rule} row={row} problems={problems} onChange={onChange} />
        <div data-field={`abort.${row}.afterDevices`}>
          <Field
            label="After devices"
            optional
            error={problems[`abort.${row}.afterDevices`]}
            hint="How many have to finish before."
          >
            {(control) => (
              <input
                {...control}
                inputMode="numeric"
                value={rule.afterDevices}
                onChange={({ target }) => onChange({ afterDevices: target.value })}
              />
            )}
          </Field>
        </div>
      </div>
      <p className={rows.problem} role="alert">
        {problems[`abort.${row}`]}
      </p>
      <div className={rows.foot}>
        <span>{describeTyped(rule)}</span>
        <Button kind="quiet" aria-label={`Remove abort rule ${row + 1}`} onClick={onRemove}>
          Remove
        </Button>
      </div>
    </fieldset>
  )
}

const words = { FAILED: 'Failed', REFUSED: 'Refused', TIMED_OUT: 'Timed out' } as const

/** What the rule counts. */
function CountedResults({
  rule,
  row,
  problems,
  onChange,
}: {
  readonly rule: RuleDraft
  readonly row: number
  readonly problems: StepProps['problems']
  readonly onChange: (part: Partial<RuleDraft>) => void
}) {
  return (
    <div className={rows.counted}>
      <Field label="Counts">
        {(control) => (
          <select
            {...control}
            value={rule.counts}
            onChange={({ target }) => onChange({ counts: countedOf(target.value) })}
          >
            <option value="on">Results</option>
            <option value="errorCode">An error code</option>
            <option value="responseStatus">A response status</option>
          </select>
        )}
      </Field>
      {rule.counts === 'on' && (
        <CheckList
          name={`abort.${row}.on`}
          label="Results"
          options={abortOutcomes.map((value) => ({ value, word: words[value] }))}
          chosen={rule.on}
          error={problems[`abort.${row}.on`]}
          onChange={(on) => onChange({ on })}
        />
      )}
      {rule.counts === 'errorCode' && (
        <div data-field={`abort.${row}.errorCode`}>
          <Field label="Error code" error={problems[`abort.${row}.errorCode`]} hint="Such as GatewayTimeout.">
            {(control) => (
              <input
                {...control}
                spellCheck={false}
                value={rule.errorCode}
                onChange={({ target }) => onChange({ errorCode: target.value })}
              />
            )}
          </Field>
        </div>
      )}
      {rule.counts === 'responseStatus' && (
        <div data-field={`abort.${row}.responseStatus`}>
          <Field label="Status" error={problems[`abort.${row}.responseStatus`]} hint="Such as 503.">
            {(control) => (
              <input
                {...control}
                inputMode="numeric"
                value={rule.responseStatus}
                onChange={({ target }) => onChange({ responseStatus: target.value })}
              />
            )}
          </Field>
        </div>
      )}
    </div>
  )
}

/** The rule as a sentence, as soon as it can be read. */
function describeTyped(rule: RuleDraft): string {
  const { percent, afterDevices, action } = rule
  const counted = countedIn(rule)
  const share = readNumber(percent)
  const count = afterDevices.trim() === '' ? 1 : readInt(afterDevices)
  if (counted === undefined || counted.on?.length === 0 || share === undefined || count === undefined) return ''
  return `${describeRule({ ...counted, percent: share, afterDevices: count, action })}.`
}
