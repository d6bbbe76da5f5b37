import { FoldedPanel } from '../../shell/folded-panel.tsx'
import { Button } from '../../ui/button.tsx'
import { Field } from '../../ui/field.tsx'
import type { LabelDraft } from './draft.ts'
import styles from './form.module.css'
import rows from './rows.module.css'
import { replaceRow, withoutRow } from './rows.ts'
import type { StepProps } from './step.ts'
import { describeDraftedNaming } from './summary.ts'
import { useRowFocus } from './use-row-focus.ts'

/** The most labels of a job. */
const mostLabels = 20

/** What people call the job, and the labels by which they find it. */
export function NamingStep({ draft, problems, change }: StepProps) {
  return (
    <FoldedPanel
      title="Name and labels"
      summary={describeDraftedNaming(draft)}
      isOpenAtFirst={draft.name !== '' || draft.description !== '' || draft.labels.length > 0}
    >
      <div data-field="name">
        <Field label="Name" optional error={problems.name} hint="What people call the job. It need not be unique.">
          {(control) => (
            <input
              {...control}
              value={draft.name}
              maxLength={200}
              autoComplete="off"
              onChange={({ target }) => change({ name: target.value })}
            />
          )}
        </Field>
      </div>
      <div data-field="description">
        <Field label="Description" optional error={problems.description} hint="What people should know about the job.">
          {(control) => (
            <textarea
              {...control}
              className={styles.text}
              rows={2}
              value={draft.description}
              maxLength={2_000}
              onChange={({ target }) => change({ description: target.value })}
            />
          )}
        </Field>
      </div>
      <Labels draft={draft} problems={problems} change={change} />
    </FoldedPanel>
  )
}

function Labels({ draft: { labels }, problems, change }: StepProps) {
  const list = useRowFocus(labels.length)
  const setLabel = (row: number, part: Partial<LabelDraft>): void => change({ labels: replaceRow(labels, row, part) })
  return (
    <fieldset ref={list} data-field="labels" className={rows.list}>
      <legend>Labels</legend>
      <p className={styles.explanation}>The list of jobs can be filtered by labels.</p>
      {labels.map((label, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row has no identity but its place.
        <div key={row} className={rows.label} data-row>
          <div data-field={`labels.${row}.name`}>
            <Field label={`Label ${row + 1}`} error={problems[`labels.${row}.name`]}>
              {(control) => (
                <input
                  {...control}
                  className={styles.code}
                  value={label.name}
                  maxLength={64}
                  placeholder="ticket"
                  autoCapitalize="none"
                  autoComplete="off"
                  spellCheck={false}
                  onChange={({ target }) => setLabel(row, { name: target.value })}
                />
              )}
            </Field>
          </div>
          <div data-field={`labels.${row}.value`}>
            <Field label={`Value of label ${row + 1}`} error={problems[`labels.${row}.value`]}>
              {(control) => (
                <input
                  {...control}
                  className={styles.code}
                  value={label.value}
                  maxLength={200}
                  autoCapitalize="none"
                  autoComplete="off"
                  spellCheck={false}
                  onChange={({ target }) => setLabel(row, { value: target.value })}
                />
              )}
            </Field>
          </div>
          <Button
            kind="quiet"
            aria-label={`Remove label ${row + 1}`}
            onClick={() => change({ labels: withoutRow(labels, row) })}
          >
            Remove
          </Button>
        </div>
      ))}
      <p className={rows.problem} role="alert">
        {problems.labels}
      </p>
      <div>
        <Button
          denied={labels.length >= mostLabels ? `A job has at most ${mostLabels} labels.` : undefined}
          onClick={() => change({ labels: [...labels, { name: '', value: '' }] })}
        >
          Add label
        </Button>
      </div>
    </fieldset>
  )
}
