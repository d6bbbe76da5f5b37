import { Panel } from '../../shell/page.tsx'
import { Field } from '../../ui/field.tsx'
import { JsonEditor } from '../../ui/json-editor.tsx'
import styles from './form.module.css'
import type { StepProps } from './step.ts'

/** What is done to each device: a method is called, or a patch merged into its twin. */
export function OperationStep({ draft, problems, change }: StepProps) {
  return (
    <Panel title="2. Operation">
      <fieldset className={styles.choices}>
        <legend className="hidden">Operation</legend>
        <label className={styles.choice}>
          <input
            type="radio"
            name="operation"
            checked={draft.operation === 'method'}
            onChange={() => change({ operation: 'method' })}
          />
          <span>
            <strong>Call a direct method</strong>
            <span>Each device answers, once it is connected.</span>
          </span>
        </label>
        <label className={styles.choice}>
          <input
            type="radio"
            name="operation"
            checked={draft.operation === 'twin'}
            onChange={() => change({ operation: 'twin' })}
          />
          <span>
            <strong>Change twins</strong>
            <span>Merges a patch into tags and desired properties.</span>
          </span>
        </label>
      </fieldset>
      {draft.operation === 'method' ? (
        <Method draft={draft} problems={problems} change={change} />
      ) : (
        <Patch draft={draft} problems={problems} change={change} />
      )}
    </Panel>
  )
}

function Method({ draft, problems, change }: StepProps) {
  return (
    <>
      <div data-field="methodName">
        <Field label="Method" error={problems.methodName} hint="The name that the devices know it by.">
          {(control) => (
            <input
              {...control}
              className={styles.code}
              value={draft.methodName}
              maxLength={100}
              autoCapitalize="none"
              autoComplete="off"
              spellCheck={false}
              onChange={({ target }) => change({ methodName: target.value })}
            />
          )}
        </Field>
      </div>
      <div data-field="payload">
        <Field
          label="Payload"
          optional
          error={problems.payload}
          hint="JSON; null when nothing is given. At most 128 KB."
        >
          {(control) => (
            <JsonEditor
              {...control}
              label="Payload"
              value={draft.payload}
              onChange={(payload) => change({ payload })}
              placeholder='{ "delaySeconds": 10 }'
            />
          )}
        </Field>
      </div>
      <div className={styles.pair}>
        <div data-field="responseTimeout">
          <Field
            label="Seconds to answer"
            error={problems.responseTimeout}
            hint="How long a device that has the call may take: 5 to 300."
          >
            {(control) => (
              <input
                {...control}
                inputMode="numeric"
                value={draft.responseTimeout}
                onChange={({ target }) => change({ responseTimeout: target.value })}
              />
            )}
          </Field>
        </div>
        <div data-field="connectTimeout">
          <Field
            label="Seconds to connect"
            optional
            error={problems.connectTimeout}
            hint="How long the job waits for a device: up to 300. Nothing: as long as the job may take."
          >
            {(control) => (
              <input
                {...control}
                inputMode="numeric"
                value={draft.connectTimeout}
                onChange={({ target }) => change({ connectTimeout: target.value })}
              />
            )}
          </Field>
        </div>
      </div>
    </>
  )
}

function Patch({ draft, problems, change }: StepProps) {
  return (
    <>
      <p className={styles.explanation}>
        What is given is merged member by member; what is not given stays. <code>null</code> deletes a member:{' '}
        <code>{'{ "site": null }'}</code>.
      </p>
      <div data-field="tags">
        <Field
          label="Tags"
          optional
          error={problems.tags}
          hint="What services know of a device, and the device never sees."
        >
          {(control) => (
            <JsonEditor
              {...control}
              label="Tags"
              value={draft.tags}
              onChange={(tags) => change({ tags })}
              placeholder='{ "site": "north" }'
            />
          )}
        </Field>
      </div>
      <div data-field="desired">
        <Field
          label="Desired properties"
          optional
          error={problems.desired}
          hint="What services want of a device; it is told at once, or when it connects."
        >
          {(control) => (
            <JsonEditor
              {...control}
              label="Desired properties"
              value={draft.desired}
              onChange={(desired) => change({ desired })}
              placeholder='{ "interval": 60 }'
            />
          )}
        </Field>
      </div>
    </>
  )
}
