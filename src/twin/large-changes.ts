import type { JsonObject } from '../json/json.ts'
import {
  type ChangeContext,
  type FirstTwin,
  firstTwin,
  isEmpty,
  patched,
  replaced,
  reported,
  withContent,
} from './changes.ts'
import type { TwinPatch } from './check-patch.ts'
import { type DeviceSide, deviceTexts, type ServiceSide, serviceTexts, type TextsOf } from './document.ts'
import { patchBetween } from './merge.ts'

/** A twin patch whose sections are JSON texts. */
export type PatchTexts = { readonly tags?: string | undefined; readonly desired?: string | undefined }

/** A section as JSON text is an object, because the hub has checked and printed it. */
const parse = (text: string): JsonObject => JSON.parse(text)

const parsePatch = ({ tags, desired }: PatchTexts): TwinPatch => ({
  ...(tags !== undefined && { tags: parse(tags) }),
  ...(desired !== undefined && { desired: parse(desired) }),
})

/** Sections that are neither read nor written are not parsed either. */
const parseTwin = (
  twin: TextsOf<ServiceSide>,
  { tags, desired }: { readonly [Name in keyof PatchTexts]: unknown },
): ServiceSide => ({
  ...twin,
  tags: tags === undefined ? {} : parse(twin.tags),
  desired: desired === undefined ? {} : parse(twin.desired),
  desiredMetadata: desired === undefined ? {} : parse(twin.desiredMetadata),
})

/** The texts of what was written, and those of `before` of the rest. */
function printTwin(before: TextsOf<ServiceSide>, after: ServiceSide, written: TwinPatch): TextsOf<ServiceSide> {
  const { tags, desired, desiredMetadata, ...counters } = serviceTexts(after)
  return {
    ...before,
    ...counters,
    ...(written.tags !== undefined && { tags }),
    ...(written.desired !== undefined && { desired, desiredMetadata }),
  }
}

/**
 * The changes of twins with thousands of members, as functions from texts to texts: so they can run in another thread, which
 * shares no objects with the caller. Each does what the function of the same name in `changes.ts` does, with the same errors.
 */
export const largeChanges = {
  patched({
    twin,
    patch: texts,
    ...context
  }: { readonly twin: TextsOf<ServiceSide>; readonly patch: PatchTexts } & ChangeContext): TextsOf<ServiceSide> {
    const patch = parsePatch(texts)
    return printTwin(twin, patched(parseTwin(twin, patch), patch, context), patch)
  },

  /** Undefined when nothing changes. `desiredPatch` is the patch with the same effect on the desired properties. */
  replaced({
    twin,
    sections,
    ...context
  }: { readonly twin: TextsOf<ServiceSide>; readonly sections: PatchTexts } & ChangeContext):
    | { readonly twin: TextsOf<ServiceSide>; readonly desiredPatch: string | undefined }
    | undefined {
    const before = parseTwin(twin, sections)
    const changes = withContent(parsePatch(sections), before)
    if (isEmpty(changes)) return undefined
    const after = replaced(before, changes, context)
    const desiredPatch = changes.desired && JSON.stringify(patchBetween(before.desired, after.desired))
    return { twin: printTwin(twin, after, changes), desiredPatch }
  },

  reported({
    twin,
    patch,
    ...context
  }: { readonly twin: TextsOf<DeviceSide>; readonly patch: string } & ChangeContext): TextsOf<DeviceSide> {
    const before = { ...twin, reported: parse(twin.reported), reportedMetadata: parse(twin.reportedMetadata) }
    return deviceTexts(reported(before, parse(patch), context))
  },

  /** What a client sends is no text: JSON cannot express all that has to be refused, such as an infinite number. */
  firstTwin({ twin, ...context }: { readonly twin: unknown } & ChangeContext): TextsOf<FirstTwin> {
    const { tags, desired, desiredMetadata, ...rest } = firstTwin(twin, context)
    return {
      ...rest,
      tags: JSON.stringify(tags),
      desired: JSON.stringify(desired),
      desiredMetadata: JSON.stringify(desiredMetadata),
    }
  },
} as const

/** The functions by their names. */
export type LargeChanges = typeof largeChanges
