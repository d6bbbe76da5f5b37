import type { Listen } from '../../events/events.ts'

/** Hears of both. */
export const either =
  <One, Other>(one: Listen<One>, other: Listen<Other>): Listen<One | Other> =>
  (hear) => {
    const stops = [one(hear), other(hear)]
    return () => {
      for (const stop of stops) stop()
    }
  }
