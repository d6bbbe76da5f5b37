/**
 * The properties in the topic of a telemetry message: `name=value&…`, each part percent-encoded. `$.mid`, `$.ct` and
 * similar names are system properties. A part with an invalid encoding is taken literally; of two properties with the
 * same name, the last counts.
 */
export function readPropertyBag(bag: string): Record<string, string> {
  return Object.fromEntries(
    bag
      .split('&')
      .filter((item) => item !== '')
      .map((item) => {
        const equals = item.indexOf('=')
        return equals < 0 ? [decoded(item), ''] : [decoded(item.slice(0, equals)), decoded(item.slice(equals + 1))]
      }),
  )
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
