import { type Asker, readsFor } from '../database/bounded-read.ts'
import { inTransaction } from '../database/client.ts'
import type { Tx } from '../database/reader.ts'
import type { Deps } from '../deps.ts'
import { InvalidInputError, NotFoundError, NotShownError, PreconditionError } from '../errors.ts'
import { etagMatches } from '../etag.ts'
import type { DesiredPatch } from '../events/topics.ts'
import type { JsonObject } from '../json/json.ts'
import { outsideScope } from '../query/scope.ts'
import { everything, isEverything, type Scope } from '../scope.ts'
import { checkSectionPatch, type TwinPatch } from './check-patch.ts'
import type { PropertyTexts, TwinRow } from './document.ts'
import { mergeSection, mergeTags, patchBetween, replaceSection, type TwinSection } from './merge.ts'
import { type TwinPath, twinPathsOf } from './path-catalogue.ts'
import { readSampledPaths } from './path-store.ts'
import { chunkBytes, turnBytes, writtenBytes } from './size.ts'
import { checkSectionSize, maxTwinBytes, type TwinLimits } from './size-limit.ts'
import {
  deleteReportedMembers,
  deleteServiceMembers,
  findCompliant,
  findPropertyTexts,
  findTwin,
  isTwinIn,
  type Locked,
  lockTwins,
  readServiceSides,
  type ServiceSide,
  type ServiceTexts,
  saveDesired,
  saveReported,
  serviceTexts,
} from './store.ts'

/** The twin after a patch by a service. InvalidInputError when a section would exceed its limit. */
function patched(twin: ServiceSide, { tags, desired }: TwinPatch, now: Date, limits: TwinLimits): ServiceSide {
  return written(
    twin,
    {
      tags: tags && mergeTags(twin.tags, tags),
      desired: desired && mergeSection(desiredOf(twin), desired, now.toISOString(), { stampVersion: true }),
    },
    limits,
  )
}

/** The twin with the given sections in place of the existing ones. InvalidInputError as above. */
function replaced(twin: ServiceSide, { tags, desired }: TwinPatch, now: Date, limits: TwinLimits): ServiceSide {
  return written(
    twin,
    {
      tags: tags && mergeTags({}, tags),
      desired: desired && replaceSection(desiredOf(twin), desired, now.toISOString(), { stampVersion: true }),
    },
    limits,
  )
}

const desiredOf = (twin: ServiceSide): TwinSection => ({
  value: twin.desired,
  metadata: twin.desiredMetadata,
  version: twin.desiredVersion,
})

type WrittenSections = { readonly tags: JsonObject | undefined; readonly desired: TwinSection | undefined }

function written(twin: ServiceSide, { tags, desired }: WrittenSections, limits: TwinLimits): ServiceSide {
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
function withContent({ tags, desired }: TwinPatch, replaced?: Pick<TwinRow, 'tags' | 'desired'>): TwinPatch {
  return {
    ...(tags !== undefined && !(isEmpty(tags) && isEmpty(replaced?.tags)) && { tags }),
    ...(desired !== undefined && !(isEmpty(desired) && isEmpty(replaced?.desired)) && { desired }),
  }
}

const isEmpty = (value: object = {}): boolean => Object.keys(value).length === 0

/**
 * The result of a batch of patches: the devices whose twins are as the patch requires, the changed ones among them, the
 * patches to send to devices, the devices that were skipped because the patch would change nothing, those whose limits were
 * exceeded, and those without a twin. `postponed` are the devices for which the batch had no room. `largeBytes` are the bytes of the twins whose merge takes milliseconds.
 */
export type PatchedTwins = {
  readonly deviceIds: readonly string[]
  readonly changed: readonly string[]
  readonly desiredPatches: readonly DesiredPatch[]
  readonly skipped: readonly string[]
  readonly refused: readonly { readonly deviceId: string; readonly error: InvalidInputError }[]
  readonly missing: readonly string[]
  readonly postponed: readonly string[]
  readonly largeBytes: number
}

/** Bytes of twins in a batch, because its transaction must be short. */
const batchSize = 8 * 1024 * 1024
/**
 * Bytes of a twin with its patch, from which on a batch pauses for twice the time that it has worked. If it only gave
 * way, a request would wait for one large twin in each of the several turns that it needs.
 */
const heavyBytes = 16 * 1024
/**
 * Bytes of a twin with its patch, from which on it ends the batch, so that the caller decides when the next one comes.
 * Twins with 32 KB of ordinary properties have less: this many are many thousand small members with their metadata.
 */
const largeTwin = 128 * 1024

/** Whether the patch alone makes every twin a large one, each of which is a batch. */
export const makesTwinsLarge = (patch: TwinPatch): boolean => writtenBytes(patch) >= largeTwin

/**
 * Applies one patch to many twins within the caller's transaction, in the order of their ids. The caller publishes the
 * result after the commit. A patch without content changes nothing: clients of IoT Hub send empty sections together
 * with those they mean. The sizes of twins differ by a factor of ten thousand, so the work of one turn is counted in
 * bytes. With `skipCompliant`, twins that already are as the patch requires are neither read nor written: they are compared in
 * the database, after they were locked.
 */
export async function patchTwins(
  { clock, limits }: Pick<Deps, 'clock' | 'limits'>,
  tx: Tx,
  deviceIds: readonly string[],
  given: TwinPatch,
  now: Date,
  { skipCompliant = false }: { readonly skipCompliant?: boolean } = {},
): Promise<PatchedTwins> {
  const patch = withContent(given)
  const most = maxTwinBytes(limits)
  const all = await lockTwins(tx, everything, deviceIds, 'service', {
    maxBytes: skipCompliant || isEmpty(patch) ? 0 : chunkBytes,
    most,
  })
  const found = new Set(all.map((twin) => twin.deviceId))
  const missing = deviceIds.filter((deviceId) => !found.has(deviceId))
  if (isEmpty(patch)) {
    return {
      deviceIds: [...found],
      changed: [],
      desiredPatches: [],
      skipped: [],
      refused: [],
      missing,
      postponed: [],
      largeBytes: 0,
    }
  }
  const compliant = skipCompliant ? await findCompliant(tx, [...found], patch) : new Set<string>()
  const skipped = [...compliant]
  const locked = skipCompliant ? all.filter(({ deviceId }) => !compliant.has(deviceId)) : all
  const patchBytes = writtenBytes(patch)
  const changed: string[] = []
  const desiredPatches: DesiredPatch[] = []
  const refused: { deviceId: string; error: InvalidInputError }[] = []
  const note = (deviceId: string, version: number): void => {
    changed.push(deviceId)
    if (patch.desired !== undefined) desiredPatches.push({ deviceId, version, patch: patch.desired })
  }
  let saved: ServiceTexts[] = []
  let work = { turn: 0, chunk: 0, batch: 0 }
  let largeBytes = 0
  let turnBegan = clock.elapsed()
  const save = async (): Promise<void> => {
    if (saved.length > 0) await saveDesired(tx, saved)
    saved = []
    work = { ...work, chunk: 0 }
  }

  let read = new Map(locked.flatMap((twin) => (twin.read === undefined ? [] : [[twin.deviceId, twin.read]])))
  for (const [place, { deviceId, bytes }] of locked.entries()) {
    if (work.batch >= batchSize || largeBytes > 0) {
      await save()
      const postponed = locked.slice(place).map((twin) => twin.deviceId)
      return { deviceIds: changed, changed, desiredPatches, skipped, refused, missing, postponed, largeBytes }
    }
    if (bytes > most) {
      const gone = deletedMembers(patch)
      if (gone === undefined) refused.push({ deviceId, error: tooLarge(bytes) })
      else note(deviceId, await deleteServiceMembers(tx, deviceId, gone, now))
      continue
    }
    let twin = read.get(deviceId)
    if (twin === undefined) {
      await save()
      read = new Map(
        (await readServiceSides(tx, nextChunk(locked.slice(place), most))).map((row) => [row.deviceId, row]),
      )
      twin = read.get(deviceId)
    }
    if (twin === undefined) throw new Error(`The twin of "${deviceId}" is missing although it is locked.`)
    const done = bytes + patchBytes
    const isLarge = done >= largeTwin
    if (isLarge) {
      largeBytes += done
      // Reading it, merging it, printing it and sending it take milliseconds each.
      await clock.giveWay()
    }
    try {
      const after = patched(twin, patch, now, limits)
      if (isLarge) await clock.giveWay()
      saved.push(serviceTexts(after))
      if (isLarge) await clock.giveWay()
      note(deviceId, after.desiredVersion)
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error
      refused.push({ deviceId, error })
    }
    work = { turn: work.turn + done, chunk: work.chunk + done, batch: work.batch + done }
    if (work.chunk >= chunkBytes) await save()
    if (work.turn < turnBytes || isLarge || place === locked.length - 1) continue
    work = { ...work, turn: 0 }
    if (done >= heavyBytes) await clock.sleep(2 * (clock.elapsed() - turnBegan))
    else await clock.giveWay()
    turnBegan = clock.elapsed()
  }
  await save()
  return { deviceIds: changed, changed, desiredPatches, skipped, refused, missing, postponed: [], largeBytes }
}

/** The ids of the first twins to read in one statement, at least one. */
function nextChunk(twins: readonly { readonly deviceId: string; readonly bytes: number }[], most: number): string[] {
  const ids: string[] = []
  let sum = 0
  for (const { deviceId, bytes } of twins) {
    if (bytes > most) continue
    if (ids.length > 0 && sum + bytes > chunkBytes) break
    sum += bytes
    ids.push(deviceId)
  }
  return ids
}

/** The root members that a patch deletes in its sections; undefined when it does anything else. */
function deletedMembers({
  tags = {},
  desired = {},
}: TwinPatch): { readonly tags: readonly string[]; readonly desired: readonly string[] } | undefined {
  const values = [...Object.values(tags), ...Object.values(desired)]
  return values.every((value) => value === null)
    ? { tags: Object.keys(tags), desired: Object.keys(desired) }
    : undefined
}

const tooLarge = (bytes: number): InvalidInputError =>
  new InvalidInputError(
    [],
    `The twin has ${bytes} bytes, which is too large for a merge. First delete members at the root of its sections by setting them to null.`,
  )

/** Notifies subscribers of these twins, and devices with new desired properties. */
export function publishPatches(
  deps: Pick<Deps, 'events'>,
  { changed, desiredPatches }: Pick<PatchedTwins, 'changed' | 'desiredPatches'>,
): void {
  for (const deviceId of changed) deps.events.publish('twin', deviceId, { deviceId })
  if (desiredPatches.length > 0) deps.events.publish('desiredPatches', desiredPatches)
}

/** Locks a twin and reads up to `maxBytes` of the sections that services write. */
async function lockMatchingTwin(
  tx: Tx,
  scope: Scope,
  { deviceId, ifMatch }: { readonly deviceId: string; readonly ifMatch: string },
  size: { readonly maxBytes: number; readonly most: number },
): Promise<Locked<ServiceSide>> {
  const [twin] = await lockTwins(tx, scope, [deviceId], 'service', size)
  if (twin === undefined) throw new NotFoundError('device', deviceId)
  if (etagMatches(ifMatch, twin.etagVersion)) return twin
  throw new PreconditionError(`The twin of "${deviceId}" has changed: its etag is no longer ${ifMatch}.`)
}

/** InvalidInputError when the device has left the scope by the change in this transaction. */
async function checkStillInScope(tx: Tx, scope: Scope, deviceId: string): Promise<void> {
  if (!isEverything(scope) && !(await isTwinIn(tx, scope, deviceId))) throw outsideScope(scope, ['patch'])
}

/**
 * Patches one twin's tags and desired properties. NotFoundError; PreconditionError when `ifMatch` (an etag or `*`) does
 * not match; InvalidInputError when a section would exceed its limit, or when the device would leave the scope.
 */
export function patchTwin(
  deps: Deps,
  scope: Scope,
  { deviceId, patch, ifMatch }: { deviceId: string; patch: TwinPatch; ifMatch: string },
): Promise<void> {
  return inTransaction(deps, async (tx, afterCommit) => {
    await lockMatchingTwin(tx, scope, { deviceId, ifMatch }, { maxBytes: 0, most: 0 })
    const result = await patchTwins(deps, tx, [deviceId], patch, deps.clock.now())
    const [refusal] = result.refused
    if (refusal !== undefined) throw refusal.error
    await checkStillInScope(tx, scope, deviceId)
    afterCommit(() => publishPatches(deps, result))
  })
}

/**
 * Replaces one twin's tags and desired properties, each if given. The device gets a patch with the same effect.
 * Replacing an empty section by an empty one changes nothing. Errors as those of `patchTwin`.
 */
export function replaceTwin(
  deps: Deps,
  scope: Scope,
  { deviceId, sections, ifMatch }: { deviceId: string; sections: TwinPatch; ifMatch: string },
): Promise<void> {
  return inTransaction(deps, async (tx, afterCommit) => {
    const size = { maxBytes: chunkBytes, most: maxTwinBytes(deps.limits) }
    const { read: before, bytes } = await lockMatchingTwin(tx, scope, { deviceId, ifMatch }, size)
    if (before === undefined) throw tooLarge(bytes)
    const changes = withContent(sections, before)
    if (isEmpty(changes)) return
    const after = replaced(before, changes, deps.clock.now(), deps.limits)
    await saveDesired(tx, [serviceTexts(after)])
    await checkStillInScope(tx, scope, deviceId)
    const patch = patchBetween(before.desired, after.desired)
    const desiredPatches = changes.desired === undefined ? [] : [{ deviceId, version: after.desiredVersion, patch }]
    afterCommit(() => publishPatches(deps, { changed: [deviceId], desiredPatches }))
  })
}

/** The twin as it is. NotFoundError; NotShownError when an earlier version let it grow too large. */
export async function readTwin(deps: Pick<Deps, 'db' | 'limits'>, scope: Scope, deviceId: string): Promise<TwinRow> {
  const found = await findTwin(deps.db, scope, deviceId, maxTwinBytes(deps.limits))
  if (found === undefined) throw new NotFoundError('device', deviceId)
  if (found.twin !== undefined) return found.twin
  throw notShown(deviceId, found.bytes)
}

/** The properties of the twin of a device as text. Errors as those of `readTwin`. */
export async function readProperties(deps: Pick<Deps, 'db' | 'limits'>, deviceId: string): Promise<PropertyTexts> {
  const found = await findPropertyTexts(deps.db, deviceId, maxTwinBytes(deps.limits))
  if (found === undefined) throw new NotFoundError('device', deviceId)
  if (found.texts !== undefined) return found.texts
  throw notShown(deviceId, found.bytes)
}

const notShown = (deviceId: string, bytes: number): NotShownError =>
  new NotShownError(
    `The twin of "${deviceId}" has ${bytes} bytes, which is too large to be shown. Delete members at the root of its sections.`,
  )

/** Maximum number of paths that `readTwinPaths` returns. */
export const maxTwinPaths = 1000

/**
 * The first paths that conditions can use and that begin with `prefix`, those of most devices first, as far as a sample
 * of the devices has them. InvalidInputError for `first`.
 */
export async function readTwinPaths(
  deps: Pick<Deps, 'db'>,
  scope: Scope,
  asker: Asker,
  { prefix, first }: { readonly prefix: string; readonly first: number },
): Promise<TwinPath[]> {
  if (first < 1 || first > maxTwinPaths) {
    throw new InvalidInputError(['first'], `first must be a whole number from 1 to ${maxTwinPaths}.`)
  }
  return twinPathsOf(await readSampledPaths(readsFor(deps.db, asker), scope), prefix).slice(0, first)
}

/**
 * Merges a device's report into its twin and returns the new version of its reported properties. `patch` is unchecked
 * JSON. Returns undefined, and changes nothing, when the device has a newer connection than the given one: what it reports
 * there must not be overwritten by the remains of an old one. NotFoundError, InvalidInputError.
 */
export async function reportProperties(
  deps: Deps,
  deviceId: string,
  patch: unknown,
  connectionId?: string,
): Promise<number | undefined> {
  const { limits, clock } = deps
  const path = ['properties', 'reported']
  const checked = checkSectionPatch(patch, path, limits)
  return inTransaction(deps, async (tx, afterCommit) => {
    const most = maxTwinBytes(limits)
    const [twin] = await lockTwins(tx, everything, [deviceId], 'device', { maxBytes: chunkBytes, most })
    if (twin === undefined) throw new NotFoundError('device', deviceId)
    const published = (): void => afterCommit(() => deps.events.publish('twin', deviceId, { deviceId }))
    const { read: before } = twin
    if (before === undefined) {
      const gone = deletedMembers({ desired: checked })
      if (gone === undefined) throw tooLarge(twin.bytes)
      const written = { keys: gone.desired, now: clock.now(), connectionId }
      const version = await deleteReportedMembers(tx, deviceId, written)
      if (version !== undefined) published()
      return version
    }
    const reported = mergeSection(
      { value: before.reported, metadata: before.reportedMetadata, version: before.reportedVersion },
      checked,
      clock.now().toISOString(),
      { stampVersion: false },
    )
    checkSectionSize(reported.value, 'reported', { path, limits, before: before.reported })
    const after = {
      deviceId,
      reported: reported.value,
      reportedMetadata: reported.metadata,
      reportedVersion: reported.version,
      version: before.version + 1,
    }
    if (!(await saveReported(tx, after, connectionId))) return undefined
    published()
    return reported.version
  })
}
