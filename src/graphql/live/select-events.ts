import type { Events, Listen } from '../../events/events.ts'

/** Listens to the events of both. */
export const either =
  <One, Other>(one: Listen<One>, other: Listen<Other>): Listen<One | Other> =>
  (listener) => {
    const stops = [one(listener), other(listener)]
    return () => {
      for (const stop of stops) stop()
    }
  }

/**
 * Listens for changes and the deletion of the identity of one device. It filters all such events, which are far fewer
 * than listeners.
 */
export const identityOf =
  (events: Pick<Events, 'listen'>, deviceId: string): Listen<{ readonly deviceId: string }> =>
  (listener) =>
    events.listen('identity')((event) => {
      if (event.deviceId === deviceId) listener(event)
    })

/** Listens for changes of the connection state of one device. It filters all such events. */
export const presenceOf =
  (events: Pick<Events, 'listen'>, deviceId: string): Listen<object> =>
  (listener) =>
    events.listen('presence')((event) => {
      if (event.deviceIds.includes(deviceId)) listener(event)
    })
