import { isDeepStrictEqual } from 'node:util'
import type { Json, JsonObject } from '../json/json.ts'

/** A device's copy of its twin. Both parts are without `$version`. */
export type LocalTwin = {
  readonly desired: JsonObject
  readonly desiredVersion: number
  readonly reported: JsonObject
}

/** The copy of a device that has never read its twin. */
export const unknownTwin: LocalTwin = { desired: {}, desiredVersion: 0, reported: {} }

/** The twin in a document that was read from the hub (`{ desired, reported }`). */
export const twinFromDocument = (document: JsonObject): LocalTwin => {
  const [desired, desiredVersion] = withoutVersion(asObject(document.desired))
  const [reported] = withoutVersion(asObject(document.reported))
  return { desired, desiredVersion, reported }
}

/** The twin after a desired patch. A notification older than the device's version changes nothing. */
export const applyDesired = (twin: LocalTwin, patch: JsonObject, version: number): LocalTwin =>
  version <= twin.desiredVersion
    ? twin
    : { ...twin, desired: mergePatch(twin.desired, withoutVersion(patch)[0]), desiredVersion: version }

/** The twin after the hub has accepted a reported patch. */
export const applyReported = (twin: LocalTwin, patch: JsonObject): LocalTwin => ({
  ...twin,
  reported: mergePatch(twin.reported, patch),
})

/**
 * The patch that makes the reported properties with these names equal the desired ones; undefined when they already do.
 */
export const reportBack = (twin: LocalTwin, names: readonly string[]): JsonObject | undefined => {
  const patch: [string, Json][] = []
  for (const name of names) {
    const desired = twin.desired[name]
    if (!isDeepStrictEqual(desired, twin.reported[name])) patch.push([name, desired ?? null])
  }
  return patch.length === 0 ? undefined : Object.fromEntries(patch)
}

/** Applies a merge patch: objects merge, null removes, anything else replaces (RFC 7386). */
const mergePatch = (target: JsonObject, patch: JsonObject): JsonObject => {
  const merged = new Map<string, Json>(Object.entries(target))
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name)
    else if (isObject(value)) merged.set(name, mergePatch(asObject(merged.get(name)), value))
    else merged.set(name, value)
  }
  return Object.fromEntries(merged)
}

const withoutVersion = (section: JsonObject): [JsonObject, number] => {
  const { $version, ...rest } = section
  return [rest, typeof $version === 'number' ? $version : 0]
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const asObject = (value: Json | undefined): JsonObject => (isObject(value) ? value : {})
