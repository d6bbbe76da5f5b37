import { raw, Sql, sqltag as sql } from '@prisma/client/runtime/client'

/**
 * The statement with an insert in its `with` clause, so that both take one round trip. The insert is carried out
 * whatever the statement finds. Undefined for a statement that cannot have one, such as `savepoint`.
 */
export function withInsert(insert: Sql, statement: Sql): Sql | undefined {
  const [text = '', ...others] = statement.strings
  const start = text.trimStart()
  if (/^(?:select|insert|update|delete)\s/.test(start)) return sql`with joined_insert as (${insert}) ${statement}`
  const [keywords] = /^with(?:\s+recursive)?\s/.exec(start) ?? []
  if (keywords === undefined) return undefined
  const rest = new Sql([start.slice(keywords.length), ...others], statement.values)
  return sql`${raw(keywords)}joined_insert as (${insert}), ${rest}`
}
