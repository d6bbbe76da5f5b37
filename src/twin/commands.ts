import { type Asker, readsFor } from '../database/bounded-read.ts'
import { inTransaction, type Tx } from '../database/client.ts'
import type { Deps } from '../deps.ts'
import { InvalidInputError, NotFoundError, PreconditionError } from '../errors.ts'
import type { DesiredPatch } from '../events.ts'
import type { JsonObject } from '../json.ts'
import { etagMatches, type TwinRow } from './document.ts'
import { checkSectionPatch, checkSectionSize, type TwinPatch } from './limits.ts'
import { mergeSection, mergeTags, patchBetween, replaceSection, type TwinSection } from './merge.ts'
import { type TwinPath, twinPathsOf } from './path-catalogue.ts'
import { readSampledPaths } from './path-store.ts'
import { findTwin, lockTwins, saveDesired, saveReported } from './store.ts'

/** The twin after a patch by a service. InvalidInputError when a section would grow over its limit. */
function patched(twin: TwinRow, patch: TwinPatch, now: Date): TwinRow {
  const tags = patch.tags === undefined ? twin.tags : mergeTags(twin.tags, patch.tags)
  const desired =
    patch.desired === undefined
      ? desiredOf(twin)
      : mergeSection(desiredOf(twin), patch.desired, now.toISOString(), { stampVersion: true })
  return written(twin, tags, desired)
}

/** The twin with the sections that a service gives in place of what they held. InvalidInputError as above. */
function replaced(twin: TwinRow, sections: TwinPatch, now: Date): TwinRow {
  const desired =
    sections.desired === undefined
      ? desiredOf(twin)
      : replaceSection(desiredOf(twin), sections.desired, now.toISOString(), { stampVersion: true })
  return written(twin, sections.tags === undefined ? twin.tags : mergeTags({}, sections.tags), desired)
}

const desiredOf = (twin: TwinRow): TwinSection => ({
  value: twin.desired,
  metadata: twin.desiredMetadata,
  version: twin.desiredVersion,
})

function written(twin: TwinRow, tags: JsonObject, desired: TwinSection): TwinRow {
  checkSectionSize(tags, 'tags', ['tags'])
  checkSectionSize(desired.value, 'desired', ['properties', 'desired'])
  return {
    ...twin,
    tags,
    desired: desired.value,
    desiredMetadata: desired.metadata,
    desiredVersion: desired.version,
    version: twin.version + 1,
    etagVersion: twin.etagVersion + 1,
  }
}

/** The sections that hold something or, where they replace others, take something away. The rest changes no twin. */
function withContent({ tags, desired }: TwinPatch, replaced?: Pick<TwinRow, 'tags' | 'desired'>): TwinPatch {
  return {
    ...(tags !== undefined && !(isEmpty(tags) && isEmpty(replaced?.tags)) && { tags }),
    ...(desired !== undefined && !(isEmpty(desired) && isEmpty(replaced?.desired)) && { desired }),
  }
}

const isEmpty = (value: object = {}): boolean => Object.keys(value).length === 0

/**
 * What became of a batch of patches: whose twins are as the patch wants them, which of them have changed, who should be
 * told what, whose limits forbade it, who has no twin.
 */
export type PatchedTwins = {
  readonly deviceIds: readonly string[]
  readonly changed: readonly string[]
  readonly desiredPatches: readonly DesiredPatch[]
  readonly refused: readonly { readonly deviceId: string; readonly error: InvalidInputError }[]
  readonly missing: readonly string[]
}

/**
 * Applies one patch to many twins within the caller's transaction. The caller tells of it after the commit. A patch
 * without content changes nothing: clients of IoT Hub send empty sections along with those they mean.
 */
export async function patchTwins(
  tx: Tx,
  deviceIds: readonly string[],
  given: TwinPatch,
  now: Date,
): Promise<PatchedTwins> {
  const patch = withContent(given)
  const twins = await lockTwins(tx, deviceIds)
  const found = new Set(twins.map((twin) => twin.deviceId))
  const missing = deviceIds.filter((deviceId) => !found.has(deviceId))
  if (isEmpty(patch)) return { deviceIds: [...found], changed: [], desiredPatches: [], refused: [], missing }
  const saved: TwinRow[] = []
  const refused: { deviceId: string; error: InvalidInputError }[] = []
  for (const twin of twins) {
    try {
      saved.push(patched(twin, patch, now))
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error
      refused.push({ deviceId: twin.deviceId, error })
    }
  }
  if (saved.length > 0) await saveDesired(tx, saved)
  const { desired } = patch
  const changed = saved.map((twin) => twin.deviceId)
  return {
    deviceIds: changed,
    changed,
    desiredPatches:
      desired === undefined
        ? []
        : saved.map((twin) => ({ deviceId: twin.deviceId, version: twin.desiredVersion, patch: desired })),
    refused,
    missing,
  }
}

/** Tells those who watch these twins, and the devices that should hear of new desired properties. */
export function tellOfPatches(
  deps: Pick<Deps, 'events'>,
  { changed, desiredPatches }: Pick<PatchedTwins, 'changed' | 'desiredPatches'>,
): void {
  for (const deviceId of changed) deps.events.publish('twin', deviceId, { deviceId })
  if (desiredPatches.length > 0) deps.events.publish('desiredPatches', desiredPatches)
}

async function lockMatchingTwin(tx: Tx, deviceId: string, ifMatch: string): Promise<TwinRow> {
  const [twin] = await lockTwins(tx, [deviceId])
  if (twin === undefined) throw new NotFoundError('device', deviceId)
  if (etagMatches(ifMatch, twin.etagVersion)) return twin
  throw new PreconditionError(`The twin of "${deviceId}" has changed: its etag is no longer ${ifMatch}.`)
}

/**
 * Patches one twin's tags and desired properties. NotFoundError; PreconditionError when `ifMatch` (an etag or `*`) is
 * not the present one; InvalidInputError when a section would grow over its limit.
 */
export function patchTwin(
  deps: Deps,
  { deviceId, patch, ifMatch }: { deviceId: string; patch: TwinPatch; ifMatch: string },
): Promise<void> {
  return inTransaction(deps, async (tx, afterCommit) => {
    await lockMatchingTwin(tx, deviceId, ifMatch)
    const result = await patchTwins(tx, [deviceId], patch, deps.clock.now())
    const [refusal] = result.refused
    if (refusal !== undefined) throw refusal.error
    afterCommit(() => tellOfPatches(deps, result))
  })
}

/**
 * Replaces one twin's tags and desired properties, each if it is given, by what is given. The device is told by a patch
 * that has the same effect. Nothing in place of nothing changes nothing. Errors as those of `patchTwin`.
 */
export function replaceTwin(
  deps: Deps,
  { deviceId, sections, ifMatch }: { deviceId: string; sections: TwinPatch; ifMatch: string },
): Promise<void> {
  return inTransaction(deps, async (tx, afterCommit) => {
    const before = await lockMatchingTwin(tx, deviceId, ifMatch)
    const changes = withContent(sections, before)
    if (isEmpty(changes)) return
    const after = replaced(before, changes, deps.clock.now())
    await saveDesired(tx, [after])
    const patch = patchBetween(before.desired, after.desired)
    const desiredPatches = changes.desired === undefined ? [] : [{ deviceId, version: after.desiredVersion, patch }]
    afterCommit(() => tellOfPatches(deps, { changed: [deviceId], desiredPatches }))
  })
}

/** The twin as it stands. NotFoundError. */
export async function readTwin(deps: Pick<Deps, 'db'>, deviceId: string): Promise<TwinRow> {
  const twin = await findTwin(deps.db, deviceId)
  if (twin === undefined) throw new NotFoundError('device', deviceId)
  return twin
}

/** The most that `readTwinPaths` answers. */
export const maxTwinPaths = 1000

/**
 * The first of the paths that conditions can speak of and that begin with `prefix`, those of most devices first, as far
 * as a sample of the devices has them. InvalidInputError for `first`.
 */
export async function readTwinPaths(
  deps: Pick<Deps, 'db'>,
  asker: Asker,
  { prefix, first }: { readonly prefix: string; readonly first: number },
): Promise<TwinPath[]> {
  if (first < 1 || first > maxTwinPaths) {
    throw new InvalidInputError(['first'], `first must be a whole number from 1 to ${maxTwinPaths}.`)
  }
  return twinPathsOf(await readSampledPaths(readsFor(deps.db, asker)), prefix).slice(0, first)
}

/**
 * Merges what a device reports into its twin and answers the new version of its reported properties. `patch` is
 * unchecked JSON. NotFoundError, InvalidInputError.
 */
export async function reportProperties(deps: Deps, deviceId: string, patch: unknown): Promise<number> {
  const checked = checkSectionPatch(patch, ['properties', 'reported'])
  return inTransaction(deps, async (tx, afterCommit) => {
    const [twin] = await lockTwins(tx, [deviceId])
    if (twin === undefined) throw new NotFoundError('device', deviceId)
    const before = { value: twin.reported, metadata: twin.reportedMetadata, version: twin.reportedVersion }
    const reported = mergeSection(before, checked, deps.clock.now().toISOString(), { stampVersion: false })
    checkSectionSize(reported.value, 'reported', ['properties', 'reported'])
    await saveReported(tx, {
      ...twin,
      reported: reported.value,
      reportedMetadata: reported.metadata,
      reportedVersion: reported.version,
      version: twin.version + 1,
    })
    afterCommit(() => deps.events.publish('twin', deviceId, { deviceId }))
    return reported.version
  })
}
