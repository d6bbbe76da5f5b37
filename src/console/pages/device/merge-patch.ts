import { isObject, type JsonObject, sameJson } from '../../device/json.ts'

/**
 * The smallest patch that turns `before` into `after`, by the rules of twins (RFC 7386): objects merge, `null` removes
 * a member, and arrays are replaced as a whole. The patch is empty when the sections are equal. A `null` member of
 * `after` counts as missing.
 */
export function patchBetween(before: JsonObject, after: JsonObject): JsonObject {
  const members: [string, unknown][] = []
  for (const name of Object.keys(before)) if (!holds(after, name)) members.push([name, null])
  for (const [name, value] of Object.entries(after)) {
    if (value === null) continue
    const present = Object.hasOwn(before, name) ? before[name] : undefined
    if (!isObject(value)) {
      if (!sameJson(present, value)) members.push([name, value])
    } else if (isObject(present)) {
      const patch = patchBetween(present, value)
      if (Object.keys(patch).length > 0) members.push([name, patch])
    } else {
      members.push([name, withoutNulls(value)])
    }
  }
  return Object.fromEntries(members)
}

/** A section after a patch. */
export function applyPatch(section: JsonObject, patch: JsonObject): JsonObject {
  const members = new Map(Object.entries(section))
  for (const [name, value] of Object.entries(patch)) {
    const present = members.get(name)
    if (value === null) members.delete(name)
    else members.set(name, isObject(value) ? applyPatch(isObject(present) ? present : {}, value) : value)
  }
  return Object.fromEntries(members)
}

/** The value without `null` members at any depth of objects, as a twin stores it. */
export function withoutNulls(value: JsonObject): JsonObject {
  return applyPatch({}, value)
}

/** Whether a patch removes anything. */
export function removes(patch: JsonObject): boolean {
  return Object.values(patch).some((value) => value === null || (isObject(value) && removes(value)))
}

function holds(section: JsonObject, name: string): boolean {
  return Object.hasOwn(section, name) && section[name] !== null
}
