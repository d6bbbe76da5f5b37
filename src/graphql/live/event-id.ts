/** The ids of rows, and of their results. */
const ids = new WeakMap<object, string>()

/**
 * Gives a row of a subscription, or its result, the id of the event that sends it. A client of an event stream that
 * returns with this id (`Last-Event-ID`) gets what comes after it.
 */
export function setEventId<Value extends object>(value: Value, id: string): Value {
  ids.set(value, id)
  return value
}

/** The id; undefined where a client cannot continue. */
export const eventIdOf = (value: object): string | undefined => ids.get(value)
