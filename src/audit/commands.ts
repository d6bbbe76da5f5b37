import { randomUUID } from 'node:crypto'
import type { Db } from '../database/client.ts'
import type { Deps } from '../deps.ts'
import type { JsonObject } from '../json/json.ts'
import { type AuditAttempt, type AuditEnd, devicesDetail, type NewAuditEntry, succeeded } from './entry.ts'
import { completeAuditEntry, insertAuditEntries, withAuditEntry } from './store.ts'

/** An operation that the audit follows. */
export type Audited = {
  /** To be used for the operation: its first transaction that commits also has the entry. */
  readonly deps: Deps
  /** Adds to the detail of the entry. What is noted within the first transaction is committed with it. */
  note(more: JsonObject): void
  /**
   * To be called once at the end, also after an error. Writes the entry of an operation that has changed nothing, or
   * that has no transaction, such as a method call. Never rejects: what has happened cannot be undone here, so an entry
   * that cannot be written is logged.
   */
  end(end?: AuditEnd): Promise<void>
}

/**
 * Follows an operation: the change and its entry are committed together, or neither is. The entry is inserted with the
 * first statement of the transaction.
 */
export function audited(deps: Deps, attempt: AuditAttempt): Audited {
  const id = randomUUID()
  let inserted: NewAuditEntry | undefined
  let noted: JsonObject = {}
  let written = noted
  const entry = (end: AuditEnd): NewAuditEntry => ({
    ...attempt,
    ...end,
    attempt: id,
    time: deps.clock.now(),
    detail: merged(attempt.detail, noted),
  })
  const transaction: Db['transaction'] = async (work, longest) => {
    if (inserted !== undefined) return deps.db.transaction(work, longest)
    const before = noted
    const first = entry(succeeded)
    let last = first
    const result = await deps.db.transaction(async (plain) => {
      // What an attempt noted that was rolled back is not true.
      noted = before
      last = first
      const { tx, finish } = withAuditEntry(plain, first)
      const worked = await work(tx)
      if (noted !== before) last = { ...entry(succeeded), time: first.time }
      await finish(last)
      written = noted
      return worked
    }, longest)
    inserted = last
    return result
  }
  return {
    deps: { ...deps, db: { ...deps.db, transaction } },
    note(more) {
      noted = { ...noted, ...more }
    },
    async end(end = succeeded) {
      if (inserted === undefined) {
        if (end.outcome === 'refused' || end.outcome === 'denied') return writeFew(deps, entry(end))
        const writing = write(deps, entry(end))
        // After a fault the client should not wait for the database again.
        return end.outcome === 'failed' ? undefined : writing
      }
      if (end.code === null && noted === written) return
      // A transaction that commits may have found that it must not change anything. A fault comes after the change.
      const outcome = end.outcome === 'failed' ? 'succeeded' : end.outcome
      const completed = { ...entry({ ...end, outcome }), time: inserted.time }
      await complete(deps, completed)
    },
  }
}

const merged = (detail: JsonObject | null, noted: JsonObject): JsonObject | null =>
  Object.keys(noted).length === 0 ? detail : { ...detail, ...noted }

type Waiting = {
  readonly entry: NewAuditEntry
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Maximum number of entries that are written together. */
const largestGroup = 100

/** Entries that wait until those before them are written, by hub. A hub without an array is not writing any. */
const groups = new WeakMap<Db, Waiting[]>()

/**
 * Writes an entry that has no change to be written with. Entries of the same turn of the event loop are written
 * together, and so are those that come while others are being written.
 */
function writeGrouped({ db, clock }: Pick<Deps, 'db' | 'clock'>, entry: NewAuditEntry): Promise<void> {
  return new Promise((resolve, reject) => {
    const waiting = groups.get(db)
    if (waiting !== undefined) {
      waiting.push({ entry, resolve, reject })
      return
    }
    const first = [{ entry, resolve, reject }]
    groups.set(db, first)
    void clock.giveWay().then(() => writeInTurn(db, first))
  })
}

async function writeInTurn(db: Db, waiting: Waiting[]): Promise<void> {
  while (waiting.length > 0) {
    const group = waiting.splice(0, largestGroup)
    try {
      await db.autocommit((tx) =>
        insertAuditEntries(
          tx,
          group.map(({ entry }) => entry),
        ),
      )
      for (const { resolve } of group) resolve()
    } catch (error) {
      for (const { reject } of group) reject(error)
    }
  }
  groups.delete(db)
}

async function write(deps: Pick<Deps, 'db' | 'clock' | 'log'>, entry: NewAuditEntry): Promise<void> {
  await writeGrouped(deps, entry).catch((error: unknown) => report(deps, error, entry))
}

async function complete(deps: Pick<Deps, 'db' | 'log'>, entry: NewAuditEntry): Promise<void> {
  await completeAuditEntry(deps.db, entry).catch((error: unknown) => report(deps, error, entry))
}

function report({ log }: Pick<Deps, 'log'>, error: unknown, entry: NewAuditEntry): void {
  const { actor, operation, target, outcome, code } = entry
  log.error({ err: error, actor: actor.id, operation, target, outcome, code }, 'audit entry could not be written')
}

/** What one actor was refused in one second, which began at `from` on the clock. */
type Refusals = { readonly from: number; written: number; times: number }

/** Maximum number of refused and denied operations of one actor that are written in a second. */
const refusalsPerSecond = 10
const second = 1_000
/** Above this number of actors, those whose second is over are forgotten. */
const manyActors = 1_000

/** By hub and actor. */
const refusals = new WeakMap<Db, Map<string, Refusals>>()

function refusalsOf({ db, clock }: Pick<Deps, 'db' | 'clock'>, actor: string): Refusals {
  const byActor = refusals.get(db) ?? new Map<string, Refusals>()
  refusals.set(db, byActor)
  const now = clock.elapsed()
  const isOver = ({ from }: Refusals): boolean => now - from >= second
  const known = byActor.get(actor)
  if (known !== undefined && !isOver(known)) return known
  if (byActor.size >= manyActors) for (const [id, each] of byActor) if (isOver(each)) byActor.delete(id)
  const begun = { from: now, written: 0, times: 0 }
  byActor.set(actor, begun)
  return begun
}

/**
 * Writes the entry of an operation that was refused or denied. A client can request very many of these, so only the
 * first ones of a second have an entry each. The last one of these also stands for all others: at the end of the
 * second, `detail.times` has their number, which a kill of the hub before that loses.
 */
async function writeFew(deps: Deps, entry: NewAuditEntry): Promise<void> {
  const current = refusalsOf(deps, entry.actor.id)
  if (current.written === refusalsPerSecond) {
    current.times++
    return
  }
  current.written++
  const writing = write(deps, entry)
  if (current.written === refusalsPerSecond) void writeTimes(deps, current, entry, writing)
  return writing
}

/** Adds to the entry, at the end of the second, how many others it stands for. */
async function writeTimes(deps: Deps, refused: Refusals, entry: NewAuditEntry, writing: Promise<void>): Promise<void> {
  await Promise.all([writing, deps.clock.sleep(refused.from + second - deps.clock.elapsed())])
  if (refused.times === 0) return
  await complete(deps, { ...entry, detail: { ...entry.detail, times: 1 + refused.times } })
}

/**
 * Writes that somebody reads the keys of these devices. To be awaited before the keys are sent: when it fails, they
 * must not be sent.
 */
export async function noteKeysRead(
  { db, clock }: Pick<Deps, 'db' | 'clock'>,
  { actor, address }: Pick<AuditAttempt, 'actor' | 'address'>,
  deviceIds: readonly string[],
): Promise<void> {
  const [first] = deviceIds
  if (first === undefined) return
  const only = deviceIds.length === 1
  const entry = {
    ...succeeded,
    attempt: randomUUID(),
    actor,
    address,
    time: clock.now(),
    operation: 'readKeys',
    target: only ? first : null,
    detail: only ? null : devicesDetail(deviceIds),
  }
  await writeGrouped({ db, clock }, entry)
}
