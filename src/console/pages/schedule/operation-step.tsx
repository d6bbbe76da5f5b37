import { Panel } from '../../shell/page.tsx'
import { Field } from '../../ui/field.tsx'
import { JsonEditor } from '../../ui/json-editor.tsx'
import styles from './form.module.css'
import type { StepProps } from './step.ts'

/** What the job does on each device: it calls a method or merges a patch into the twin. */
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
            <span>Each device responds once it is connected.</span>
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
            <strong>Update twins</strong>
            <span>Change tags or desired properties.</span>
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
        <Field label="Method" error={problems.methodName} hint="The name of the method on the devices.">
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
        <Field label="Payload" optional error={problems.payload} hint="JSON, up to 128 KB. Leave empty to send null.">
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
            label="Response timeout (s)"
            error={problems.responseTimeout}
            hint="How long a connected device may take to respond (5–300 s)."
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
            label="Connection timeout (s)"
            optional
            error={problems.connectTimeout}
            hint="How long to wait for a device to connect (up to 300 s). Leave empty to use the job’s time limit."
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
        Merge patch: keys you list are changed, others stay, <code>null</code> removes:{' '}
        <code>{'{ "site": null }'}</code>.
      </p>
      <div data-field="tags">
        <Field label="Tags" optional error={problems.tags} hint="Metadata for services. Devices do not see tags.">
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
          hint="Desired state. Sent to the device now, or when it next connects."
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
      <label className={styles.check}>
        <input
          type="checkbox"
          checked={draft.skipCompliant}
          onChange={({ target }) => change({ skipCompliant: target.checked })}
        />
        <span>
          <strong>Skip devices that are up to date</strong>
          <span>Twins that the patch would not change keep their versions, and the devices are not notified.</span>
        </span>
      </label>
    </>
  )
}
