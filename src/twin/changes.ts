import type { JsonObject } from '../json/json.ts'
import { checkTwinPatch, type TwinPatch } from './check-patch.ts'
import type { DeviceSide, ServiceSide } from './document.ts'
import { mergeSection, mergeTags, replaceSection, type TwinSection } from './merge.ts'
import { writtenBytes } from './size.ts'
import { checkSectionSize, type TwinLimits } from './size-limit.ts'

/** The time of a change, and the limits that hold for the result. */
export type ChangeContext = { readonly now: Date; readonly limits: TwinLimits }

/** The twin after a patch by a service. InvalidInputError when a section would exceed its limit. */
export function patched(twin: ServiceSide, { tags, desired }: TwinPatch, context: ChangeContext): ServiceSide {
  return written(
    twin,
    {
      tags: tags && mergeTags(twin.tags, tags),
      desired: desired && mergeSection(desiredOf(twin), desired, context.now.toISOString(), { stampVersion: true }),
    },
    context,
  )
}

/** The twin with the given sections in place of the existing ones. InvalidInputError as above. */
export function replaced(twin: ServiceSide, { tags, desired }: TwinPatch, context: ChangeContext): ServiceSide {
  return written(
    twin,
    {
      tags: tags && mergeTags({}, tags),
      desired: desired && replaceSection(desiredOf(twin), desired, context.now.toISOString(), { stampVersion: true }),
    },
    context,
  )
}

const desiredOf = (twin: ServiceSide): TwinSection => ({
  value: twin.desired,
  metadata: twin.desiredMetadata,
  version: twin.desiredVersion,
})

type WrittenSections = { readonly tags: JsonObject | undefined; readonly desired: TwinSection | undefined }

function written(twin: ServiceSide, { tags, desired }: WrittenSections, { limits }: ChangeContext): ServiceSide {
  if (tags !== undefined) checkSectionSize(tags, 'tags', { path: ['tags'], limits, before: twin.tags })
  if (desired !== undefined) {
    checkSectionSize(desired.value, 'desired', { path: ['properties', 'desired'], limits, before: twin.desired })
  }
  return {
    ...twin,
    tags: tags ?? twin.tags,
    desired: desired?.value ?? twin.desired,
    desiredMetadata: desired?.metadata ?? twin.desiredMetadata,
    desiredVersion: desired?.version ?? twin.desiredVersion,
    version: twin.version + 1,
    etagVersion: twin.etagVersion + 1,
  }
}

/** The sections that are not empty or, when they replace others, remove something. Empty ones change no twin. */
export function withContent(
  { tags, desired }: TwinPatch,
  replacing?: Pick<ServiceSide, 'tags' | 'desired'>,
): TwinPatch {
  return {
    ...(tags !== undefined && !(isEmpty(tags) && isEmpty(replacing?.tags)) && { tags }),
    ...(desired !== undefined && !(isEmpty(desired) && isEmpty(replacing?.desired)) && { desired }),
  }
}

/** Whether an object has no members. */
export const isEmpty = (value: object = {}): boolean => {
  for (const key in value) if (Object.hasOwn(value, key)) return false
  return true
}

/** The twin after a report of its device. InvalidInputError when the section would exceed its limit. */
export function reported(twin: DeviceSide, patch: JsonObject, { now, limits }: ChangeContext): DeviceSide {
  const before = { value: twin.reported, metadata: twin.reportedMetadata, version: twin.reportedVersion }
  const { value, metadata, version } = mergeSection(before, patch, now.toISOString(), { stampVersion: false })
  checkSectionSize(value, 'reported', { path: ['properties', 'reported'], limits, before: twin.reported })
  return {
    ...twin,
    reported: value,
    reportedMetadata: metadata,
    reportedVersion: version,
    version: twin.version + 1,
  }
}

/** Before the first write, which makes version 1. */
const nothing: TwinSection = { value: {}, metadata: {}, version: 0 }

/** The sections that a service gives a new twin, and the bytes that the database writes for them. */
export type FirstTwin = {
  readonly tags: JsonObject
  readonly desired: JsonObject
  readonly desiredMetadata: JsonObject
  readonly desiredVersion: number
  readonly bytes: number
}

/** The first twin of a device, from the unchecked twin patch that it is created with. InvalidInputError. */
export function firstTwin(twin: unknown, { now, limits }: ChangeContext): FirstTwin {
  const patch = twin === undefined || twin === null ? {} : checkTwinPatch(twin, ['twin'], limits)
  const { value, metadata, version } = mergeSection(nothing, patch.desired ?? {}, now.toISOString(), {
    stampVersion: true,
  })
  return {
    tags: mergeTags({}, patch.tags ?? {}),
    desired: value,
    desiredMetadata: metadata,
    desiredVersion: version,
    bytes: writtenBytes(patch),
  }
}

/** The metadata of the reported properties of a new device. */
export const firstReportedMetadata = (now: Date): JsonObject =>
  mergeSection(nothing, {}, now.toISOString(), { stampVersion: false }).metadata
