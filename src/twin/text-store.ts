import { join, raw, type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import { deviceForScope, meetsScope } from '../database/in-scope.ts'
import type { Reader } from '../database/reader.ts'
import { bytesOf, type WithBytes, withinBytes } from '../database/within-bytes.ts'
import type { JsonText } from '../json/json-text.ts'
import type { Scope } from '../scope.ts'

/** The JSON documents of a twin by their names, and their columns. */
const documents = {
  tags: raw('tags'),
  desired: raw('desired'),
  desiredMetadata: raw('desired_metadata'),
  reported: raw('reported'),
  reportedMetadata: raw('reported_metadata'),
} as const

/** A document of a twin. */
export type TwinDocument = keyof typeof documents

type Counters = {
  readonly deviceId: string
  readonly desiredVersion: number
  readonly reportedVersion: number
  readonly version: number
  readonly etagVersion: number
}

/** A twin as readers pass it on; unrequested documents are missing. */
export type TwinTexts = Counters & { readonly [Name in TwinDocument]?: JsonText }

type Row = TwinTexts & WithBytes & { readonly place?: number }

const named = (name: TwinDocument): Sql => raw(`"${name}"`)

const isDocument = (name: string): name is TwinDocument => Object.hasOwn(documents, name)

/** The documents among these names. */
export const documentsIn = (names: readonly string[]): TwinDocument[] => names.filter(isDocument).sort()

/**
 * The twins of these devices in the scope with these documents, in no particular order, and the bytes of the documents.
 * Reads one twin after the other, and stops after the one with which they exceed `maxBytes`.
 */
export async function findTwinTexts(
  db: Reader,
  scope: Scope,
  deviceIds: readonly string[],
  names: readonly TwinDocument[],
  maxBytes: number,
): Promise<{ readonly twins: TwinTexts[]; readonly bytes: number }> {
  const rows = await db.query<Row>(
    names.length === 0 ? withoutDocuments(scope, deviceIds) : withDocuments(scope, deviceIds, names, maxBytes),
  )
  const twins = rows.map(({ place: _place, size: _size, bytes: _bytes, ...twin }) => twin)
  return { twins, bytes: bytesOf(rows) }
}

const counters = sql`
  t.device_id as "deviceId", t.desired_version as "desiredVersion", t.reported_version as "reportedVersion", t.version,
  t.etag_version as "etagVersion"`

const withoutDocuments = (scope: Scope, deviceIds: readonly string[]): Sql =>
  sql`select ${counters}, 0 as size, 0 as bytes from twin t${deviceForScope(scope)} where t.device_id = any(${deviceIds})${meetsScope(scope)}`

function withDocuments(
  scope: Scope,
  deviceIds: readonly string[],
  names: readonly TwinDocument[],
  maxBytes: number,
): Sql {
  const texts = join(names.map((name) => sql`t.${documents[name]}::varchar as ${named(name)}`))
  const size = join(
    names.map((name) => sql`octet_length(${named(name)})`),
    ' + ',
  )
  const row = (id: Sql): Sql => sql`
    select twin.*, ${size} as size
    from (select ${counters}, ${texts} from twin t${deviceForScope(scope)} where t.device_id = ${id}${meetsScope(scope)} offset 0) twin`
  return withinBytes(sql`select ${deviceIds}::text[]`, row, maxBytes)
}
