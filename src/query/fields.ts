import { bindText, type Fragment, sql } from './fragment.ts'

/**
 * What a name stands for. A `text`, `number` or `boolean` is an SQL expression of that type, never NULL unless
 * `nullable`, which the language reads as null. A `document` is a jsonb expression that always holds an object: every
 * path below it is allowed, except where `members` names something else. A `group` has members only.
 */
export type Field =
  | { readonly kind: 'text'; readonly sql: Fragment; readonly nullable: boolean }
  | { readonly kind: 'number' | 'boolean'; readonly sql: Fragment }
  | { readonly kind: 'document'; readonly sql: Fragment; readonly members: FieldMap }
  | { readonly kind: 'group'; readonly members: FieldMap }

/**
 * Fields by name. Names outside documents are case-blind and stand here in lower case; names inside a document are
 * taken as they are.
 */
export type FieldMap = ReadonlyMap<string, Field>

/** What a path leads to. `json` is a value below a document, by one segment or more; it may or may not be there. */
export type Target =
  | Field
  | { readonly kind: 'json'; readonly document: Fragment; readonly segments: readonly string[] }
  | { readonly kind: 'undefined' }

/**
 * Follows a path from the root names, after the optional collection prefix `devices.`. A path that leads nowhere is
 * not an error: its value is undefined.
 */
export const resolve = (fields: FieldMap, path: readonly string[]): Target => {
  const hasPrefix = path.length > 1 && path[0]?.toLowerCase() === 'devices'
  let target: Field = { kind: 'group', members: fields }
  for (const [index, segment] of path.entries()) {
    if (index === 0 && hasPrefix) continue
    if (target.kind !== 'group' && target.kind !== 'document') return { kind: 'undefined' }
    const member: Field | undefined = target.members.get(target.kind === 'group' ? segment.toLowerCase() : segment)
    if (member !== undefined) target = member
    else if (target.kind === 'group') return { kind: 'undefined' }
    else return { kind: 'json', document: target.sql, segments: path.slice(index) }
  }
  return target
}

/**
 * The value at a path below a document, as jsonb and as text; both SQL NULL when there is none. A chain of `->` with
 * text, because `#>` would read a segment such as `0` as an index when it meets an array, and elements have no path in
 * this language.
 */
export const jsonAt = (document: Fragment, segments: readonly string[]): { json: Fragment; text: Fragment } => {
  const parent = segments.slice(0, -1).reduce((above, segment) => sql`${above} -> ${bindText(segment)}`, document)
  const last = bindText(segments.at(-1) ?? '')
  return { json: sql`(${parent} -> ${last})`, text: sql`(${parent} ->> ${last})` }
}

const group = (members: Readonly<Record<string, Field>>): Field => ({
  kind: 'group',
  members: new Map(Object.entries(members)),
})
const text = (expression: Fragment): Field => ({ kind: 'text', sql: expression, nullable: false })
const nullableText = (expression: Fragment): Field => ({ kind: 'text', sql: expression, nullable: true })
const document = (expression: Fragment, members: Readonly<Record<string, Field>> = {}): Field => ({
  kind: 'document',
  sql: expression,
  members: new Map(Object.entries(members)),
})
const number = (expression: Fragment): Field => ({ kind: 'number', sql: sql`(${expression})::float8` })

/** An etag as clients see it: the counter's eight bytes in base64. */
const etag = (counter: Fragment): Field => text(sql`encode(int8send((${counter})::int8), 'base64')`)

/** A time as clients see it: UTC text with milliseconds, or the first day of our era when there is none. */
const time = (instant: Fragment): Field =>
  text(sql`coalesce(to_char(${instant} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), '0001-01-01T00:00:00Z')`)

/**
 * The device and its twin as conditions see them: SQL expressions over the aliases `d` (device) and `t` (twin). The
 * names are those of Azure IoT Hub's twin document.
 */
export const deviceFields: FieldMap = new Map<string, Field>([
  ['deviceid', text(sql`d.id`)],
  ['etag', etag(sql`t.etag_version`)],
  ['deviceetag', etag(sql`d.etag_version`)],
  ['version', number(sql`t.version`)],
  ['status', text(sql`d.status`)],
  ['statusreason', nullableText(sql`d.status_reason`)],
  ['statusupdatetime', time(sql`d.status_updated_time`)],
  ['connectionstate', text(sql`initcap(d.connection_state)`)],
  ['lastactivitytime', time(sql`d.last_activity_time`)],
  ['cloudtodevicemessagecount', number(sql`0`)],
  ['authenticationtype', text(sql`d.authentication_type`)],
  [
    'x509thumbprint',
    group({
      primarythumbprint: nullableText(sql`d.primary_thumbprint`),
      secondarythumbprint: nullableText(sql`d.secondary_thumbprint`),
    }),
  ],
  ['modelid', text(sql`d.model_id`)],
  ['capabilities', group({ iotedge: { kind: 'boolean', sql: sql`d.iot_edge` } })],
  ['tags', document(sql`t.tags`)],
  [
    'properties',
    group({
      desired: document(sql`t.desired`, {
        $version: number(sql`t.desired_version`),
        $metadata: document(sql`t.desired_metadata`),
      }),
      reported: document(sql`t.reported`, {
        $version: number(sql`t.reported_version`),
        $metadata: document(sql`t.reported_metadata`),
      }),
    }),
  ],
])
