import type { Json, JsonObject } from '../json/json.ts'
import type { TwinPatch } from './limits.ts'

/** What stands in a patch below its objects: what is written at a path, `null` for what is deleted there. */
export type PatchLeaf = { readonly path: readonly string[]; readonly value: Json }

/** The sections that a patch may have, each with the name of its path in a twin document. */
const sectionPaths = { tags: ['tags'], desired: ['properties', 'desired'] } as const

/**
 * Where a patch writes or deletes, as paths of the twin document: `['tags', 'site']`. An empty object is a leaf too, for
 * it makes an object where none was.
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
 * When a section is already what a patch would make of it: it holds the `skeleton` (all scalars of the patch, and its
 * objects where they stand, in the sense of jsonb's containment), has the arrays `equal` at their paths, and nothing of
 * `absent` below its path. `twin/merge.ts` decides what a patch makes; a test compares the two.
 */
export type SectionCompliance = {
  readonly skeleton: JsonObject
  readonly equal: readonly PatchLeaf[]
  readonly absent: readonly { readonly path: readonly string[]; readonly keys: readonly string[] }[]
}

/** The rule for one section of a patch. Paths are below the section. */
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
