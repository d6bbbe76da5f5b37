import { type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import type { ActorKind } from '../actor.ts'
import type { Db } from '../database/client.ts'
import type { RunQuery, Tx } from '../database/reader.ts'
import { withInsert } from '../database/with-insert.ts'
import type { AuditEntry, Prisma } from '../generated/prisma/client.ts'
import type { JsonObject } from '../json/json.ts'
import { type AuditOutcome, auditOutcomes, type NewAuditEntry, storable, storableText } from './entry.ts'

/** An entry as it is stored. */
export type AuditRow = Omit<AuditEntry, 'actorKind' | 'outcome'> & {
  readonly actorKind: ActorKind
  readonly outcome: AuditOutcome
}

const kinds: readonly ActorKind[] = ['person', 'policy', 'anonymous', 'hub']

/** The row with the types that its checks give it. */
function rowOf(entry: AuditEntry): AuditRow {
  const actorKind = kinds.find((kind) => kind === entry.actorKind)
  const outcome = auditOutcomes.find((each) => each === entry.outcome)
  if (actorKind === undefined || outcome === undefined) throw new Error(`The audit entry ${entry.key} is not valid.`)
  return { ...entry, actorKind, outcome }
}

const textOrNull = (text: string | null | undefined): string | null => (text == null ? null : storableText(text))

/** The insert of an entry, as a statement of its own or within another. */
function insertOf(entry: NewAuditEntry): Sql {
  const { actor, detail } = entry
  return sql`insert into audit_entry (
      attempt, time, actor, actor_id, actor_kind, issuer, subject, operation, target, address, outcome, code, detail
    ) values (
      ${entry.attempt}::uuid, ${entry.time}, ${storableText(actor.name)}, ${storableText(actor.id)}, ${actor.kind},
      ${textOrNull(actor.issuer)}, ${storableText(actor.subject)}, ${entry.operation}, ${textOrNull(entry.target)},
      ${textOrNull(entry.address)}, ${entry.outcome}, ${entry.code},
      ${jsonOf(detail)}::jsonb
    )`
}

/** Replaces the detail of an entry. The time leads to the entry: it has an index. */
const detailOf = ({ attempt, time, detail }: NewAuditEntry): Sql =>
  sql`update audit_entry set detail = ${jsonOf(detail)}::jsonb where time = ${time} and attempt = ${attempt}::uuid`

const jsonOf = (detail: JsonObject | null): string | null => (detail === null ? null : JSON.stringify(storable(detail)))

/**
 * The transaction, whose first statement also inserts the entry: a statement of its own would be one more round trip.
 * `finish` inserts the entry as it is at the end when there was no statement, and completes it when it has changed since.
 */
export function withAuditEntry(
  tx: Tx,
  entry: NewAuditEntry,
): { readonly tx: Tx; finish(last: NewAuditEntry): Promise<void> } {
  let isDue = true
  const insert = async (now: NewAuditEntry): Promise<void> => {
    isDue = false
    await tx.query(insertOf(now), 'insert-audit-entry')
  }
  const query: RunQuery = async (statement, name) => {
    if (!isDue) return tx.query(statement, name)
    const joined = withInsert(insertOf(entry), statement)
    if (joined === undefined) {
      await insert(entry)
      return tx.query(statement, name)
    }
    isDue = false
    return tx.query(joined, name && `${name}-with-audit-entry`)
  }
  return {
    tx: { ...tx, query },
    finish: async (last) => {
      if (isDue) await insert(last)
      else if (last !== entry) await tx.query(detailOf(last), 'detail-audit-entry')
    },
  }
}

/** Inserts entries in one statement. */
export async function insertAuditEntries(tx: Tx, entries: readonly NewAuditEntry[]): Promise<void> {
  const [entry] = entries
  if (entry === undefined) return
  if (entries.length === 1) {
    await tx.query(insertOf(entry), 'insert-audit-entry')
    return
  }
  const rows = entries.map(({ actor, ...others }) => ({
    ...others,
    actor: storableText(actor.name),
    actor_id: storableText(actor.id),
    actor_kind: actor.kind,
    issuer: textOrNull(actor.issuer),
    subject: storableText(actor.subject),
    target: textOrNull(others.target),
    address: textOrNull(others.address),
    detail: others.detail && storable(others.detail),
  }))
  await tx.query(
    sql`insert into audit_entry (
          attempt, time, actor, actor_id, actor_kind, issuer, subject, operation, target, address, outcome, code, detail
        )
        select attempt, time, actor, actor_id, actor_kind, issuer, subject, operation, target, address, outcome, code,
               detail
        from json_to_recordset(${JSON.stringify(rows)}::json) as entry (
          attempt uuid, time timestamptz, actor text, actor_id text, actor_kind text, issuer text, subject text,
          operation text, target text, address text, outcome text, code text, detail jsonb
        )`,
    'insert-audit-entries',
  )
}

/** Completes an entry that was written with its change. */
export async function completeAuditEntry(
  { prisma }: Pick<Db, 'prisma'>,
  { attempt, time, outcome, code, detail }: NewAuditEntry,
): Promise<void> {
  const stored = detail === null ? {} : { detail: inputOf(detail) }
  // The time leads to the entry: it has an index.
  await prisma.auditEntry.updateMany({ where: { time, attempt }, data: { outcome, code, ...stored } })
}

/** The value in the form that Prisma takes. */
const inputOf = (detail: JsonObject): Prisma.InputJsonObject => JSON.parse(JSON.stringify(storable(detail)))

/** Which entries a client wants: those that match everything that is given. */
export type AuditSelection = {
  readonly actor?: string | undefined
  readonly subject?: string | undefined
  readonly operations?: readonly string[] | undefined
  readonly target?: string | undefined
  readonly outcomes?: readonly AuditOutcome[] | undefined
  /** Inclusive. */
  readonly from?: Date | undefined
  /** Exclusive. */
  readonly to?: Date | undefined
}

/** The place of an entry in the list, which has the newest first. */
export type AuditPlace = { readonly time: Date; readonly key: bigint }

function conditionOf(selection: AuditSelection): Prisma.AuditEntryWhereInput {
  const { actor, subject, operations, target, outcomes, from, to } = selection
  return {
    ...(actor !== undefined && { actor }),
    ...(subject !== undefined && { subject }),
    ...(operations !== undefined && { operation: { in: [...operations] } }),
    ...(target !== undefined && { target }),
    ...(outcomes !== undefined && { outcome: { in: [...outcomes] } }),
    time: { ...(from !== undefined && { gte: from }), ...(to !== undefined && { lt: to }) },
  }
}

/** The entries after a place, the newest first. */
export async function findAuditEntries(
  { prisma }: Pick<Db, 'prisma'>,
  selection: AuditSelection,
  { after, limit }: { readonly after: AuditPlace | undefined; readonly limit: number },
): Promise<AuditRow[]> {
  const beyond: Prisma.AuditEntryWhereInput[] =
    after === undefined
      ? []
      : [{ time: { lte: after.time } }, { OR: [{ time: { lt: after.time } }, { key: { lt: after.key } }] }]
  const entries = await prisma.auditEntry.findMany({
    where: { AND: [conditionOf(selection), ...beyond] },
    orderBy: [{ time: 'desc' }, { key: 'desc' }],
    take: limit,
  })
  return entries.map(rowOf)
}

/** The entry with this key. */
export async function findAuditEntry({ prisma }: Pick<Db, 'prisma'>, key: bigint): Promise<AuditRow | null> {
  const entry = await prisma.auditEntry.findUnique({ where: { key } })
  return entry && rowOf(entry)
}

/** Deletes up to `limit` entries from before a time, and returns their number. */
export async function deleteAuditBefore({ prisma }: Pick<Db, 'prisma'>, before: Date, limit: number): Promise<number> {
  const { count } = await prisma.auditEntry.deleteMany({ where: { time: { lt: before } }, limit })
  return count
}
