import { randomUUID } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { NatsSettings } from '../nats-settings.ts'
import { openNats } from './nats.ts'

/** Milliseconds for a message to come back. */
const patience = 5_000

/**
 * Signs in at NATS and sends a message to itself, with a subject like those of hubs. Returns the milliseconds until it
 * came back. Rejects with the reason when it cannot sign in, or when it may not send or receive.
 */
export async function probeNats(
  settings: NatsSettings,
  { clock, signal }: { readonly clock: Pick<Clock, 'elapsed' | 'sleep'>; readonly signal?: AbortSignal | undefined },
): Promise<number> {
  const nats = await openNats(settings, { echo: true })
  try {
    const over = new AbortController()
    const end = (): void => over.abort()
    const refusals: Error[] = []
    let took: number | undefined
    const subject = `twincast.doctor.${randomUUID()}`
    const began = clock.elapsed()
    nats.subscribe(subject, {
      callback(error) {
        if (error === null) took = clock.elapsed() - began
        else refusals.push(error)
      },
    })
    nats.publish(subject)
    // The server answers in order: after this, the message has come back, or will not.
    nats.flush().then(end, end)
    await clock.sleep(patience, AbortSignal.any([over.signal, ...(signal ? [signal] : [])]))
    signal?.throwIfAborted()
    if (took !== undefined) return took
    throw refusals[0] ?? new Error(over.signal.aborted ? `It may not send to twincast.>.` : 'It does not answer.')
  } finally {
    await nats.close()
  }
}
