import type { Events, Listen } from '../../events/events.ts'

/** Hears when the identity of one device was changed or deleted: there are far fewer of these events than listeners. */
export const identityOf =
  (events: Pick<Events, 'listen'>, deviceId: string): Listen<{ readonly deviceId: string }> =>
  (hear) =>
    events.listen('identity')((event) => {
      if (event.deviceId === deviceId) hear(event)
    })
