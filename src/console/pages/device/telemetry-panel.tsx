import { useRef, useState } from 'react'
import type { DeviceTelemetrySubscription } from '../../../generated/console/graphql.ts'
import { DeviceTelemetryDocument } from '../../device/documents.ts'
import { useLiveEvents } from '../../hub/use-subscription.ts'
import { useDenial } from '../../hub/use-viewer.ts'
import { Panel } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { JsonView } from '../../ui/json-view.tsx'
import styles from './telemetry-panel.module.css'

type Message = DeviceTelemetrySubscription['telemetry'] & { readonly number: number }

/** How many messages are kept. */
const most = 50
const times = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })

/** The messages of the device while the panel is listening: the hub does not store them. */
export function TelemetryPanel({ deviceId }: { readonly deviceId: string }) {
  const [isOn, setOn] = useState(false)
  const [messages, setMessages] = useState<readonly Message[]>([])
  const count = useRef(0)
  const denial = useDenial()
  const live = useLiveEvents(
    DeviceTelemetryDocument,
    { deviceId },
    (events) => {
      const news = events.map(({ telemetry }) => ({ ...telemetry, number: count.current++ })).reverse()
      setMessages((known) => [...news, ...known].slice(0, most))
    },
    { pause: !isOn },
  )
  const isListening = isOn && live.error === undefined && !live.ended
  return (
    <Panel
      title="Telemetry"
      actions={
        <div className={styles.actions}>
          {messages.length > 0 && (
            <Button kind="quiet" onClick={() => setMessages([])}>
              Clear
            </Button>
          )}
          <Button
            denied={denial('READ_TWINS')}
            aria-pressed={isListening}
            onClick={() => {
              if (isOn && !isListening) live.retry()
              else setOn(!isOn)
            }}
          >
            {isListening ? 'Stop' : 'Listen'}
          </Button>
        </div>
      }
    >
      {isOn && live.error !== undefined && (
        <p className={styles.problem} role="alert">
          {live.error.message}
        </p>
      )}
      {messages.length === 0 ? (
        <p className={styles.muted} role="status">
          {isListening
            ? 'Waiting for the next message…'
            : 'Telemetry is not stored. Start listening to see the latest 50 messages.'}
        </p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard.
        <section className={styles.scroller} aria-label="Messages, newest first" tabIndex={0}>
          <ol className={styles.messages}>
            {messages.map(({ number, enqueuedTime, body, contentType, properties }) => (
              <li key={number}>
                <details>
                  <summary>
                    <time dateTime={enqueuedTime}>{times.format(new Date(enqueuedTime))}</time>
                    <code>{JSON.stringify(body)}</code>
                  </summary>
                  <p className={styles.muted}>
                    {contentType === 'application/json' ? contentType : `${contentType}, shown as base64`}
                  </p>
                  <JsonView value={body} label="Body" />
                  <p className={styles.muted}>Properties</p>
                  <JsonView value={properties} label="Properties" />
                </details>
              </li>
            ))}
          </ol>
        </section>
      )}
    </Panel>
  )
}
