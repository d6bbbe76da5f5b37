import type { Events, Listen } from '../../events/events.ts'

/** Hears of both. */
export const either =
  <One, Other>(one: Listen<One>, other: Listen<Other>): Listen<One | Other> =>
  (hear) => {
    const stops = [one(hear), other(hear)]
    return () => {
      for (const stop of stops) stop()
    }
  }

/** Hears when the identity of one device was changed or deleted: there are far fewer of these events than listeners. */
export const identityOf =
  (events: Pick<Events, 'listen'>, deviceId: string): Listen<{ readonly deviceId: string }> =>
  (hear) =>
    events.listen('identity')((event) => {
      if (event.deviceId === deviceId) hear(event)
    })
