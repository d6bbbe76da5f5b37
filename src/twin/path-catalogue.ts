import type { Json } from '../json/json.ts'
import { deviceFields } from '../query/fields.ts'
import { printPath } from '../query/path.ts'
import type { Field, Members } from '../query/resolve-path.ts'

/** What a sample of the devices has at a path of the twin document. */
export type SampledPath = {
  readonly segments: readonly string[]
  /** PostgreSQL's names for the types of JSON values, in alphabetical order. */
  readonly types: readonly string[]
  readonly deviceCount: number
  /** Short texts, numbers and Booleans, the most frequent first. */
  readonly sampleValues: readonly Json[]
}

/** The same with the path as written in a condition. */
export type TwinPath = Omit<SampledPath, 'segments'> & { readonly path: string }

/**
 * The paths that begin with `prefix`, ignoring case: the sampled ones in their order, followed by those that every
 * device has but the sample does not contain. Names that a condition cannot express are left out.
 */
export function twinPathsOf(sampled: readonly SampledPath[], prefix: string): TwinPath[] {
  const paths = new Map<string, TwinPath>()
  for (const { segments, ...sample } of [...sampled, ...unsampledPaths]) {
    const path = printPath(segments)
    if (path !== undefined && !paths.has(path)) paths.set(path, { path, ...sample })
  }
  const beginning = prefix.toLowerCase()
  return [...paths.values()].filter(({ path }) => path.toLowerCase().startsWith(beginning))
}

/** The names that conditions use for a device's state. */
const unsampledPaths: readonly SampledPath[] = pathsOf(deviceFields.members, [])

function pathsOf(members: Members, above: readonly string[]): SampledPath[] {
  return [...members.values()]
    .filter(({ name }) => name !== '$metadata')
    .flatMap(({ name, field }) => {
      const segments = [...above, name]
      const below = 'members' in field ? pathsOf(field.members, segments) : []
      return [{ segments, types: typesOf(field), deviceCount: 0, sampleValues: [] }, ...below]
    })
}

function typesOf(field: Field): readonly string[] {
  switch (field.kind) {
    case 'text':
      return field.nullable ? ['null', 'string'] : ['string']
    case 'number':
    case 'boolean':
      return [field.kind]
    case 'document':
    case 'group':
      return ['object']
    case 'json':
      return []
  }
}
