/** What a job does to its devices. */
export type Operation = {
  readonly cloudToDeviceMethod?: { readonly methodName: string } | null
  readonly updateTwin?: unknown
}

/** How many paths of a patch are named before the rest is counted. */
const named = 3

/** The name of the method, or the paths of the twin that change: `tags.site, desired.interval`. */
export function describeOperation({ cloudToDeviceMethod, updateTwin }: Operation): string {
  if (cloudToDeviceMethod) return cloudToDeviceMethod.methodName
  // The patch of a job that was not scheduled under the viewer's scope.
  if (updateTwin === null) return 'hidden changes'
  const paths = [...pathsOf(updateTwin)].map((path) => path.replace(/^properties\./, ''))
  if (paths.length === 0) return 'no changes'
  const more = paths.length - named
  return paths.slice(0, named).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

/** The paths of all values in an object. */
function* pathsOf(value: unknown, path = ''): Generator<string> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isObject) {
    if (path !== '') yield path
    return
  }
  const members = Object.entries(value)
  if (members.length === 0 && path.includes('.')) yield path
  for (const [name, member] of members) yield* pathsOf(member, path === '' ? name : `${path}.${name}`)
}
