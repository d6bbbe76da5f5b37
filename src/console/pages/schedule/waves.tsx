import { Button } from '../../ui/button.tsx'
import { Field } from '../../ui/field.tsx'
import { emptyWave, type WaveDraft, waveSizeOf } from './draft.ts'
import styles from './form.module.css'
import rows from './rows.module.css'
import { replaceRow, withoutRow } from './rows.ts'
import type { StepProps } from './step.ts'
import { useRowFocus } from './use-row-focus.ts'

/** The most waves of a job before the last one. */
const mostWaves = 19

/** A small wave to begin with, whose gate shows whether the job works. */
const firstWave: WaveDraft = { ...emptyWave, takes: 'percent', size: '5', succeeded: '90' }

/** The waves in which the devices have their turn. */
export function Waves({ draft: { waves }, problems, change }: StepProps) {
  const list = useRowFocus(waves.length)
  return (
    <fieldset ref={list} data-field="waves" className={rows.list}>
      <legend>Waves</legend>
      <p className={styles.explanation}>
        Few devices have their turn first, and the next when these have passed a gate. Without waves, all have it at
        once.
      </p>
      {waves.map((wave, row) => (
        <Wave
          // biome-ignore lint/suspicious/noArrayIndexKey: a row has no identity but its place.
          key={row}
          wave={wave}
          row={row}
          problems={problems}
          onChange={(part) => change({ waves: replaceRow(waves, row, part) })}
          onRemove={() => change({ waves: withoutRow(waves, row) })}
        />
      ))}
      {waves.length > 0 && <p className={styles.explanation}>Wave {waves.length + 1} takes the rest.</p>}
      <p className={rows.problem} role="alert">
        {problems.waves}
      </p>
      <div>
        <Button
          denied={waves.length >= mostWaves ? `A job has at most ${mostWaves + 1} waves.` : undefined}
          onClick={() => change({ waves: [...waves, waves.length === 0 ? firstWave : emptyWave] })}
        >
          Add wave
        </Button>
      </div>
    </fieldset>
  )
}

const sizes = {
  devices: { label: 'Number of devices', hint: undefined, mode: 'numeric' },
  percent: { label: 'Percentage', hint: 'Of all devices of the job.', mode: 'decimal' },
  // Conditions may have several lines, so it has a line of the form for itself.
  queryCondition: { label: 'Wave condition', hint: "Such as tags.site = 'lab'.", mode: undefined },
} as const

function Wave({
  wave,
  row,
  problems,
  onChange,
  onRemove,
}: {
  readonly wave: WaveDraft
  readonly row: number
  readonly problems: StepProps['problems']
  readonly onChange: (part: Partial<WaveDraft>) => void
  readonly onRemove: () => void
}) {
  const { label, hint, mode } = sizes[wave.takes]
  return (
    <fieldset className={rows.rule} data-row data-field={`waves.${row}`} aria-label={`Wave ${row + 1}`}>
      <div className={rows.fields}>
        <Field label={`Wave ${row + 1} takes`}>
          {(control) => (
            <select
              {...control}
              value={wave.takes}
              onChange={({ target }) => onChange({ takes: waveSizeOf(target.value), size: '' })}
            >
              <option value="devices">A number</option>
              <option value="percent">A share</option>
              <option value="queryCondition">By condition</option>
            </select>
          )}
        </Field>
        <div data-field={`waves.${row}.size`} className={mode === undefined ? rows.whole : undefined}>
          <Field label={label} error={problems[`waves.${row}.size`]} hint={hint}>
            {(control) => {
              const size = {
                ...control,
                spellCheck: false,
                value: wave.size,
                onChange: ({ target }: { readonly target: { readonly value: string } }) =>
                  onChange({ size: target.value }),
              }
              return mode === undefined ? <textarea {...size} rows={2} /> : <input {...size} inputMode={mode} />
            }}
          </Field>
        </div>
        <div data-field={`waves.${row}.succeeded`}>
          <Field
            label="Gate: succeeded (%)"
            optional
            error={problems[`waves.${row}.succeeded`]}
            hint="Empty: all have to finish."
          >
            {(control) => (
              <input
                {...control}
                inputMode="decimal"
                value={wave.succeeded}
                onChange={({ target }) => onChange({ succeeded: target.value })}
              />
            )}
          </Field>
        </div>
        <div data-field={`waves.${row}.soak`}>
          <Field label="Then wait (s)" optional error={problems[`waves.${row}.soak`]}>
            {(control) => (
              <input
                {...control}
                inputMode="numeric"
                value={wave.soak}
                onChange={({ target }) => onChange({ soak: target.value })}
              />
            )}
          </Field>
        </div>
      </div>
      <div className={rows.fields}>
        <label className={rows.check}>
          <input
            type="checkbox"
            checked={wave.approval}
            onChange={({ target }) => onChange({ approval: target.checked })}
          />
          Next wave needs approval
        </label>
        {wave.succeeded.trim() !== '' && (
          <div data-field={`waves.${row}.onFailure`}>
            <Field label="If the gate fails" error={problems[`waves.${row}.onFailure`]}>
              {(control) => (
                <select
                  {...control}
                  value={wave.onFailure}
                  onChange={({ target }) => onChange({ onFailure: target.value === 'CANCEL' ? 'CANCEL' : 'PAUSE' })}
                >
                  <option value="PAUSE">Pause</option>
                  <option value="CANCEL">Cancel</option>
                </select>
              )}
            </Field>
          </div>
        )}
      </div>
      <p className={rows.problem} role="alert">
        {problems[`waves.${row}`]}
      </p>
      <div className={rows.foot}>
        <span />
        <Button kind="quiet" aria-label={`Remove wave ${row + 1}`} onClick={onRemove}>
          Remove
        </Button>
      </div>
    </fieldset>
  )
}
