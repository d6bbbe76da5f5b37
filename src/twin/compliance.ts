import type { Json, JsonObject } from '../json/json.ts'
import type { TwinPatch } from './check-patch.ts'

/** A leaf of a patch: the value written at a path, `null` for a deletion. */
export type PatchLeaf = { readonly path: readonly string[]; readonly value: Json }

/** The sections that a patch may have, each with the name of its path in a twin document. */
const sectionPaths = { tags: ['tags'], desired: ['properties', 'desired'] } as const

/**
 * The paths that a patch writes or deletes, as paths of the twin document: `['tags', 'site']`. An empty object is a
 * leaf too, because it creates an object.
 */
export function leavesOf(patch: TwinPatch): PatchLeaf[] {
  const leavesBelow = (path: readonly string[], members: JsonObject): PatchLeaf[] =>
    Object.entries(members).flatMap(([key, value]) => {
      const below = [...path, key]
      return isObject(value) && Object.keys(value).length > 0 ? leavesBelow(below, value) : [{ path: below, value }]
    })
  return [
    ...leavesBelow(sectionPaths.tags, patch.tags ?? {}),
    ...leavesBelow(sectionPaths.desired, patch.desired ?? {}),
  ]
}

/**
 * When a section already equals the result of a patch: it contains the `skeleton` (all scalars and objects of the patch
 * at their paths, in the sense of jsonb's containment), has the arrays `equal` at their paths, and nothing at the paths
 * in `absent`. `twin/merge.ts` defines the result of a patch; a test compares the two.
 */
export type SectionCompliance = {
  readonly skeleton: JsonObject
  readonly equal: readonly PatchLeaf[]
  readonly absent: readonly { readonly path: readonly string[]; readonly keys: readonly string[] }[]
}

/** The rule for one section of a patch. Paths are relative to the section. */
export function complianceOf(section: JsonObject): SectionCompliance {
  const equal: PatchLeaf[] = []
  const absent: { path: readonly string[]; keys: readonly string[] }[] = []
  const skeletonOf = (members: JsonObject, path: readonly string[]): JsonObject => {
    const entries = Object.entries(members)
    const gone = entries.filter(([, value]) => value === null).map(([key]) => key)
    if (gone.length > 0) absent.push({ path, keys: gone })
    return Object.fromEntries(
      entries.flatMap(([key, value]): [string, Json][] => {
        if (value === null) return []
        const below = [...path, key]
        if (isObject(value)) return [[key, skeletonOf(value, below)]]
        // Containment is not equality for arrays: [1, 2] contains [2].
        if (!Array.isArray(value)) return [[key, value]]
        equal.push({ path: below, value })
        return []
      }),
    )
  }
  return { skeleton: skeletonOf(section, []), equal, absent }
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
