import { join, type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import type { Json, JsonObject } from '../json/json.ts'

/** A document (jsonb), and what it has to contain, to have at a path, and not to have: see `twin/compliance.ts`. */
export type Compliance = {
  readonly document: Sql
  readonly skeleton: JsonObject
  readonly equal: readonly { readonly path: readonly string[]; readonly value: Json }[]
  readonly absent: readonly { readonly path: readonly string[]; readonly keys: readonly string[] }[]
}

/** Whether all of these documents comply; never NULL. Without documents it is true. */
export function complies(documents: readonly Compliance[]): Sql {
  const tests = documents.flatMap(({ document, skeleton, equal, absent }) => {
    // The skeleton ensures objects at all levels, so that #> cannot take a key for an array index.
    const at = (path: readonly string[]): Sql => sql`(${document} #> ${path}::text[])`
    return [
      sql`${document} @> ${JSON.stringify(skeleton)}::jsonb`,
      ...equal.map(({ path, value }) => sql`${at(path)} is not distinct from ${JSON.stringify(value)}::jsonb`),
      ...absent.map(({ path, keys }) => sql`not coalesce(${at(path)} ?| ${keys}::text[], false)`),
    ]
  })
  return tests.length === 0 ? sql`true` : join(tests, ' and ')
}
