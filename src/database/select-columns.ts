import { raw, type Sql } from '@prisma/client/runtime/client'

/**
 * Makes the list of columns of a SELECT from their names in the program. `table` is the name of the table in the
 * statement, `columns` has the name of each column in it, and `always` are the columns that every row has. The list is
 * made once for each array that is passed, and a cached GraphQL document always passes the same arrays. An Error for a
 * name that the table lacks, which is a fault of this program.
 */
export function selectColumns<Row>(
  table: string,
  columns: Readonly<Record<keyof Row & string, string>>,
  always: readonly (keyof Row & string)[],
): (asked: readonly string[]) => Sql {
  const columnsByName = new Map(Object.entries<string>(columns))
  const known = new WeakMap<readonly string[], Sql>()
  const list = (asked: readonly string[]): Sql => {
    const names = [...new Set([...always, ...asked])]
    return raw(names.map((name) => `${columnOf(name)} as "${name}"`).join(', '))
  }
  const columnOf = (name: string): string => {
    const column = columnsByName.get(name)
    if (column === undefined) throw new Error(`The table "${table}" has no column "${name}" to select.`)
    return `${table}.${column}`
  }
  return (asked) => {
    const made = known.get(asked) ?? list(asked)
    known.set(asked, made)
    return made
  }
}
