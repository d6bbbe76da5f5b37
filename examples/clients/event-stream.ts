import type { ExecutionResult } from 'graphql'
import type { Session } from './session.ts'

// #region follow
/**
 * Follows a subscription over server-sent events, where WebSockets are blocked. After a lost connection or the end of
 * the token, `Last-Event-ID` makes it continue after the last event. Resolves when the subscription is complete.
 */
export async function followEvents<Data>(
  { url, session }: { readonly url: string; readonly session: Session },
  request: { readonly query: string; readonly variables: object },
  onData: (data: Data) => void,
): Promise<void> {
  let lastEventId = ''
  for (;;) {
    const authorization = await session.authorization()
    const headers = {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      ...(authorization !== undefined && { authorization }),
      ...(lastEventId !== '' && { 'last-event-id': lastEventId }),
    }
    const init = { method: 'POST', headers, body: JSON.stringify(request) }
    // Without a connection, and with 503 from a hub that starts or has no database: try again.
    const response = await fetch(url, init).catch(() => undefined)
    if (response !== undefined && response.status !== 503) {
      if (!response.ok) throw new Error(await response.text())
      for await (const { event, id, text } of eventsIn(response)) {
        if (event === 'complete') return
        const { data, errors }: ExecutionResult<Data> = JSON.parse(text)
        const code = errors?.[0]?.extensions?.code
        if (code === 'CUT_OFF' || code === 'SERVICE_UNAVAILABLE') break
        if (errors !== undefined) throw new AggregateError(errors, errors[0]?.message)
        if (data) onData(data)
        if (id !== '') lastEventId = id
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 500 + Math.random() * 500))
  }
}

/** The events of a response until it ends, or its connection is lost. The hub writes one line of data for each. */
async function* eventsIn({ body }: Response): AsyncGenerator<{ event: string; id: string; text: string }> {
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader()
  let received = ''
  try {
    for (let next = await reader?.read(); next?.value !== undefined; next = await reader?.read()) {
      received += next.value
      const events = received.split('\n\n')
      received = events.pop() ?? ''
      for (const lines of events) {
        const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(lines)?.[1] ?? ''
        if (field('event') !== '') yield { event: field('event'), id: field('id'), text: field('data') }
      }
    }
  } catch {
    // The connection is lost.
  } finally {
    // A program that stops at an error would otherwise leave the connection open.
    reader?.cancel().catch(() => {})
  }
}
// #endregion
