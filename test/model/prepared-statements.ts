import type { Db } from '../../src/database/client.ts'
import type { Reader } from '../../src/database/reader.ts'

const names = new Map<string, string>()

/** Bytes of the longest statement that is prepared: the text of a longer one depends on the jobs that it is about. */
const longestPrepared = 5_000

/** Statements are prepared once per connection: to plan them takes PostgreSQL longer than to run them on a few rows. */
function prepared<R extends Reader>(reader: R): R {
  const nameOf = (text: string): string | undefined => {
    if (text.length > longestPrepared) return undefined
    const name = names.get(text) ?? `model-${names.size}`
    names.set(text, name)
    return name
  }
  return { ...reader, query: (statement, name) => reader.query(statement, name ?? nameOf(statement.text)) }
}

/** The same database, whose statements without a name are prepared, too. */
export const withPreparedStatements = (db: Db): Db => ({
  ...prepared(db),
  boundedRead: (asker, ms, work) => db.boundedRead(asker, ms, (reader) => work(prepared(reader))),
  transaction: (work, longest) => db.transaction((tx) => work(prepared(tx)), longest),
  autocommit: (work) => db.autocommit((tx) => work(prepared(tx))),
})
