import { type FormEvent, useState } from 'react'
import { useMutation } from 'urql'
import type { DeviceInvokeMutation } from '../../../generated/console/graphql.ts'
import { DeviceInvokeDocument } from '../../device/documents.ts'
import { formatDuration } from '../../format.ts'
import { useDenial } from '../../hub/use-viewer.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { DiscardOnLeaving } from '../../shell/discard-on-leaving.tsx'
import { Panel } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { describeError } from '../../ui/describe-error.ts'
import { DomainError, type DomainFailure } from '../../ui/domain-error.tsx'
import { Field } from '../../ui/field.tsx'
import forms from '../../ui/form.module.css'
import { JsonEditor } from '../../ui/json-editor.tsx'
import { JsonView } from '../../ui/json-view.tsx'
import { Badge } from '../../ui/status-badge.tsx'
import { emptyCall, isEdited, readCall } from './method-call.ts'
import styles from './method-panel.module.css'

type Answer = Extract<DeviceInvokeMutation['invokeDeviceMethod'], { readonly __typename: 'InvokeDeviceMethodPayload' }>
type Result = { readonly methodName: string; readonly milliseconds: number } & (
  | { readonly answer: Answer }
  | { readonly failure: DomainFailure }
)

/** Calls a direct method and shows the response. */
export function MethodPanel({
  deviceId,
  isConnected,
  asksToDiscard,
}: {
  readonly deviceId: string
  readonly isConnected: boolean
  /** Whether leaving the page asks before it discards what was typed. */
  readonly asksToDiscard: boolean
}) {
  const announce = useAnnounce()
  const denied = useDenial()('INVOKE_METHODS')
  const [{ fetching }, invoke] = useMutation(DeviceInvokeDocument)
  const [form, setForm] = useState(emptyCall)
  /** What needs no saving: the empty form, and what was called. */
  const [saved, setSaved] = useState(emptyCall)
  const [showsProblems, setShowsProblems] = useState(false)
  const [result, setResult] = useState<Result>()
  const read = readCall(form)
  const problems = showsProblems && 'problems' in read ? read.problems : {}

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    if (denied !== undefined) return
    setShowsProblems(true)
    if ('problems' in read) return
    setResult(undefined)
    setSaved(form)
    const { methodName } = read.call
    const begun = performance.now()
    const { data, error } = await invoke({ input: { deviceId, ...read.call } })
    const made = { methodName, milliseconds: performance.now() - begun }
    const answer = data?.invokeDeviceMethod
    if (answer?.__typename === 'InvokeDeviceMethodPayload') {
      setResult({ ...made, answer })
      announce(`${methodName} responded with status ${answer.status}.`)
    } else if (answer) setResult({ ...made, failure: answer })
    else if (error !== undefined) {
      setResult({ ...made, failure: { __typename: 'RequestError', ...describeError(error) } })
    }
  }
  return (
    <Panel title="Call a method">
      <form className={forms.form} onSubmit={(event) => void submit(event)} noValidate>
        <Field label="Method" error={problems.methodName}>
          {(props) => (
            <input
              {...props}
              value={form.methodName}
              placeholder="reboot"
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              onChange={({ target }) => setForm({ ...form, methodName: target.value })}
            />
          )}
        </Field>
        <Field label="Payload" optional error={problems.payload}>
          {(props) => (
            <JsonEditor
              {...props}
              label="Payload"
              value={form.payload}
              placeholder="null"
              onChange={(payload) => setForm((known) => ({ ...known, payload }))}
            />
          )}
        </Field>
        <div className={forms.pair}>
          <Field label="Connection timeout (s)" error={problems.connectTimeout}>
            {(props) => (
              <input
                {...props}
                inputMode="numeric"
                value={form.connectTimeout}
                onChange={({ target }) => setForm({ ...form, connectTimeout: target.value })}
              />
            )}
          </Field>
          <Field label="Response timeout (s)" error={problems.responseTimeout}>
            {(props) => (
              <input
                {...props}
                inputMode="numeric"
                value={form.responseTimeout}
                onChange={({ target }) => setForm({ ...form, responseTimeout: target.value })}
              />
            )}
          </Field>
        </div>
        {!isConnected && form.connectTimeout.trim() === '0' && (
          <p className={forms.note}>This device is offline. Set a connection timeout, or the call fails immediately.</p>
        )}
        <div className={forms.actions}>
          <Button type="submit" kind="primary" busy={fetching} denied={denied}>
            {fetching ? 'Waiting for the response…' : 'Call'}
          </Button>
        </div>
      </form>
      {asksToDiscard && isEdited(form, saved) && <DiscardOnLeaving />}
      {result && <ResultView result={result} />}
    </Panel>
  )
}

function ResultView({ result }: { readonly result: Result }) {
  const { methodName, milliseconds } = result
  if ('failure' in result) {
    return (
      <DomainError error={result.failure}>
        <Advice type={result.failure.__typename} />
      </DomainError>
    )
  }
  const { status, payload } = result.answer
  const isRefusal = status >= 400
  return (
    <div className={styles.result}>
      <p className={styles.head}>
        <Badge
          tone={isRefusal ? 'failed' : 'succeeded'}
          icon={isRefusal ? 'failed' : 'succeeded'}
          word={`Status ${status}`}
        />
        <span>
          <code>{methodName}</code> responded after{' '}
          {milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : formatDuration(milliseconds / 1000)}
        </span>
      </p>
      {payload === null ? (
        <p className={forms.note}>No payload.</p>
      ) : (
        <JsonView value={payload} label="Response payload" />
      )}
    </div>
  )
}

function Advice({ type }: { readonly type: string }) {
  switch (type) {
    case 'DeviceOfflineError':
      return (
        <p>
          The method did not run. Set a connection timeout, or schedule a job for this device: a job waits for it until
          its time limit.
        </p>
      )
    case 'BadDeviceResponseError':
      return <p>The method ran, but its response was not valid. Devices must respond with JSON of at most 128 KB.</p>
    case 'DeviceTimeoutError':
      return (
        <p>
          The method may still have run. Check the reported properties before you call it again. If the method is slow,
          increase the response timeout.
        </p>
      )
    default:
      return undefined
  }
}
