import { type Asker, readsFor } from '../database/bounded-read.ts'
import { inTransaction } from '../database/client.ts'
import type { Tx } from '../database/reader.ts'
import type { Deps } from '../deps.ts'
import { InvalidInputError, NotFoundError, NotShownError, PreconditionError } from '../errors.ts'
import { etagMatches } from '../etag.ts'
import type { DesiredPatch } from '../events/topics.ts'
import type { JsonObject } from '../json/json.ts'
import { JsonText, jsonTextOf } from '../json/json-text.ts'
import { outsideScope } from '../query/scope.ts'
import { everything, isEverything, type Scope } from '../scope.ts'
import { type ChangeContext, isEmpty, patched, replaced, reported, withContent } from './changes.ts'
import { checkSectionPatch, type TwinPatch } from './check-patch.ts'
import {
  type DeviceSide,
  deviceTexts,
  type PropertyTexts,
  type ServiceSide,
  serviceTexts,
  type TextsOf,
  type TwinRow,
} from './document.ts'
import type { PatchTexts } from './large-changes.ts'
import { patchBetween } from './merge.ts'
import { type TwinPath, twinPathsOf } from './path-catalogue.ts'
import { readSampledPaths } from './path-store.ts'
import { chunkBytes, threadBytes, turnBytes, writtenBytes } from './size.ts'
import { maxTwinBytes, type TwinLimits } from './size-limit.ts'
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
  readSideTexts,
  saveDesired,
  saveReported,
} from './store.ts'

/** What a command needs to change twins. */
type ChangeDeps = Pick<Deps, 'clock' | 'limits' | 'twinThread'>

/** Only what the thread of large twins can be sent. */
const contextAt = (now: Date, { twinBytes, twinMembers }: TwinLimits): ChangeContext => ({
  now,
  limits: { twinBytes, twinMembers },
})

/** Printed once for all twins of a job. */
const patchTexts = ({ tags, desired }: TwinPatch): PatchTexts => ({
  tags: tags && jsonTextOf(tags).text,
  desired: desired && jsonTextOf(desired).text,
})

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
  { clock, limits, twinThread }: ChangeDeps,
  tx: Tx,
  deviceIds: readonly string[],
  given: TwinPatch,
  now: Date,
  { skipCompliant = false }: { readonly skipCompliant?: boolean } = {},
): Promise<PatchedTwins> {
  const patch = withContent(given)
  const most = maxTwinBytes(limits)
  const patchBytes = writtenBytes(patch)
  /** Whether the thread of large twins merges a twin of this size. */
  const isForThread = (bytes: number): boolean => bytes + patchBytes >= threadBytes
  const all = await lockTwins(tx, everything, deviceIds, 'service', {
    maxBytes: skipCompliant || isEmpty(patch) ? 0 : chunkBytes,
    most: threadBytes - patchBytes - 1,
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
  const changed: string[] = []
  const desiredPatches: DesiredPatch[] = []
  const refused: { deviceId: string; error: InvalidInputError }[] = []
  const note = (deviceId: string, version: number): void => {
    changed.push(deviceId)
    if (patch.desired !== undefined) desiredPatches.push({ deviceId, version, patch: patch.desired })
  }
  const context = contextAt(now, limits)
  let saved: TextsOf<ServiceSide>[] = []
  let work = { turn: 0, chunk: 0, batch: 0 }
  let largeBytes = 0
  let turnBegan = clock.elapsed()
  const save = async (): Promise<void> => {
    if (saved.length > 0) await saveDesired(tx, saved)
    saved = []
    work = { ...work, chunk: 0 }
  }

  let read = new Map(locked.flatMap((twin) => (twin.read === undefined ? [] : [[twin.deviceId, twin.read]])))
  let readTexts = new Map<string, TextsOf<ServiceSide>>()
  /** The ids of the next twins, from a place on, that are read in one statement because they are merged in the same place. */
  const nextChunk = (place: number, forThread: boolean): string[] =>
    firstBytes(
      locked.slice(place).filter(({ bytes }) => bytes <= most && isForThread(bytes) === forThread),
      chunkBytes,
    )
  const merged = async (place: number, deviceId: string, bytes: number): Promise<TextsOf<ServiceSide>> => {
    if (!isForThread(bytes)) {
      if (!read.has(deviceId)) {
        await save()
        read = byDevice(await readServiceSides(tx, nextChunk(place, false)))
      }
      return serviceTexts(patched(known(read.get(deviceId), deviceId), patch, context))
    }
    if (!readTexts.has(deviceId)) {
      await save()
      readTexts = byDevice(await readSideTexts(tx, 'service', nextChunk(place, true)))
    }
    const twin = known(readTexts.get(deviceId), deviceId)
    return await twinThread.run('patched', { twin, patch: patchTexts(patch), ...context })
  }

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
    const done = bytes + patchBytes
    const isLarge = done >= largeTwin
    if (isLarge) largeBytes += done
    try {
      const after = await merged(place, deviceId, bytes)
      saved.push(after)
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

/** The ids of the first twins that have so many bytes together, at least one. */
function firstBytes(twins: readonly { readonly deviceId: string; readonly bytes: number }[], most: number): string[] {
  let sum = 0
  const end = twins.findIndex(({ bytes }, place) => {
    sum += bytes
    return place > 0 && sum > most
  })
  return twins.slice(0, end === -1 ? undefined : end).map(({ deviceId }) => deviceId)
}

const byDevice = <Row extends { readonly deviceId: string }>(rows: readonly Row[]): Map<string, Row> =>
  new Map(rows.map((row) => [row.deviceId, row]))

function known<Twin>(twin: Twin | undefined, deviceId: string): Twin {
  if (twin === undefined) throw new Error(`The twin of "${deviceId}" is missing although it is locked.`)
  return twin
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
    const size = { maxBytes: chunkBytes, most: threadBytes - writtenBytes(sections) - 1 }
    const { read, bytes } = await lockMatchingTwin(tx, scope, { deviceId, ifMatch }, size)
    if (bytes > maxTwinBytes(deps.limits)) throw tooLarge(bytes)
    const context = contextAt(deps.clock.now(), deps.limits)
    const change =
      read === undefined
        ? await replacedLarge(deps, tx, { deviceId, sections }, context)
        : replacedSmall(read, sections, context)
    if (change === undefined) return
    await saveDesired(tx, [change.twin])
    await checkStillInScope(tx, scope, deviceId)
    const { desiredPatch: patch } = change
    const desiredPatches = patch === undefined ? [] : [{ deviceId, version: change.twin.desiredVersion, patch }]
    afterCommit(() => publishPatches(deps, { changed: [deviceId], desiredPatches }))
  })
}

/** A twin that was replaced, and the patch with the same effect on its desired properties. Undefined when nothing changes. */
type Replacement =
  | { readonly twin: TextsOf<ServiceSide>; readonly desiredPatch: JsonObject | JsonText | undefined }
  | undefined

function replacedSmall(before: ServiceSide, sections: TwinPatch, context: ChangeContext): Replacement {
  const changes = withContent(sections, before)
  if (isEmpty(changes)) return undefined
  const after = replaced(before, changes, context)
  return { twin: serviceTexts(after), desiredPatch: changes.desired && patchBetween(before.desired, after.desired) }
}

async function replacedLarge(
  { twinThread }: ChangeDeps,
  tx: Tx,
  { deviceId, sections }: { readonly deviceId: string; readonly sections: TwinPatch },
  context: ChangeContext,
): Promise<Replacement> {
  const [read] = await readSideTexts(tx, 'service', [deviceId])
  const twin = known(read, deviceId)
  const change = await twinThread.run('replaced', { twin, sections: patchTexts(sections), ...context })
  return (
    change && {
      twin: change.twin,
      desiredPatch: change.desiredPatch === undefined ? undefined : new JsonText(change.desiredPatch),
    }
  )
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
    const written = writtenBytes({ desired: checked })
    const size = { maxBytes: chunkBytes, most: threadBytes - written - 1 }
    const [twin] = await lockTwins(tx, everything, [deviceId], 'device', size)
    if (twin === undefined) throw new NotFoundError('device', deviceId)
    const published = (): void => afterCommit(() => deps.events.publish('twin', deviceId, { deviceId }))
    if (twin.bytes > most) {
      const gone = deletedMembers({ desired: checked })
      if (gone === undefined) throw tooLarge(twin.bytes)
      const written = { keys: gone.desired, now: clock.now(), connectionId }
      const version = await deleteReportedMembers(tx, deviceId, written)
      if (version !== undefined) published()
      return version
    }
    const context = contextAt(clock.now(), limits)
    const after =
      twin.read === undefined
        ? await reportedLarge(deps, tx, { deviceId, patch: checked }, context)
        : deviceTexts(reported(twin.read, checked, context))
    if (!(await saveReported(tx, after, connectionId))) return undefined
    published()
    return after.reportedVersion
  })
}

async function reportedLarge(
  { twinThread }: ChangeDeps,
  tx: Tx,
  { deviceId, patch }: { readonly deviceId: string; readonly patch: JsonObject },
  context: ChangeContext,
): Promise<TextsOf<DeviceSide>> {
  const [read] = await readSideTexts(tx, 'device', [deviceId])
  return await twinThread.run('reported', { twin: known(read, deviceId), patch: JSON.stringify(patch), ...context })
}
