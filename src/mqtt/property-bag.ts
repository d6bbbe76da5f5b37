/**
 * The properties in the topic of a telemetry message: `name=value&…`, each part percent-encoded, where `$.mid`, `$.ct`
 * and their like are the system's own. A part that is not well encoded is taken as it stands; of two with the same name
 * the last counts.
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
