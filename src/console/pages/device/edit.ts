import { type Difference, differencesBetween } from '../../device/differences.ts'
import { asObject, isObject, type JsonObject } from '../../device/json.ts'
import { parseJson } from '../../ui/json-text.ts'
import { applyPatch, patchBetween } from './merge-patch.ts'

/** The sections of a twin that services write. */
export type SectionName = 'tags' | 'desired'

/** The part of the twin that services write. `etag` changes with each of their writes. */
export type Written = { readonly etag: string; readonly tags: JsonObject; readonly desired: JsonObject }

/** The text of a section as the patch to send, or the problem with it. */
export type Edited = { readonly patch: JsonObject } | { readonly problem: string }

/** Reads an edited section. */
export function readEdited(before: JsonObject, text: string): Edited {
  const read = parseJson(text)
  if ('problem' in read) return read
  if ('empty' in read) return { problem: 'Enter {} to remove everything.' }
  if (!isObject(read.value)) return { problem: 'Enter a JSON object: { … }.' }
  return { patch: patchBetween(before, read.value) }
}

/** The patch in the form of the mutation's input. */
export function toTwinPatch(section: SectionName, patch: JsonObject) {
  return section === 'tags' ? { tags: patch } : { properties: { desired: patch } }
}

/** A change by someone else, and whether the own patch overwrites it. */
export type Foreign = Difference & { readonly section: SectionName; readonly isOverwritten: boolean }

/** What others changed in the twin since `before`, given the own `patch` to `section`. */
export function foreignChanges(
  before: Written,
  now: Written,
  { section, patch }: { readonly section: SectionName; readonly patch: JsonObject },
): readonly Foreign[] {
  const mine = differencesBetween(before[section], applyPatch(before[section], patch)).map(({ path }) => path)
  return (['tags', 'desired'] as const).flatMap((name) =>
    differencesBetween(before[name], now[name]).map((difference) => ({
      ...difference,
      section: name,
      isOverwritten: name === section && mine.some((path) => meet(path, difference.path)),
    })),
  )
}

/** The own changes applied to the new state. */
export function rebase(now: JsonObject, patch: JsonObject): JsonObject {
  return applyPatch(now, patch)
}

/** The twin as services write it. */
export function writtenOf(twin: {
  readonly etag: string
  readonly tags: unknown
  readonly properties: { readonly desired: { readonly value: unknown } }
}): Written {
  return { etag: twin.etag, tags: asObject(twin.tags), desired: asObject(twin.properties.desired.value) }
}

/** Whether one of the paths leads to or below the other. */
function meet(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}.`) || b.startsWith(`${a}.`)
}
