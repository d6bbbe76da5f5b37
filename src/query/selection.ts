import type { Fragment } from '../sql-fragment.ts'
import type { Aggregate, Path, SelectItem, Statement } from './ast.ts'
import { numericOf, textOf, valueAt } from './operands.ts'
import { type FieldMap, shownPath } from './resolve-path.ts'
import { join, sql } from './sql-builder.ts'
import { fail } from './token-reader.ts'

/** A member of a result: its key, and the index of its value in the row. */
export type Column = {
  readonly key: string
  readonly index: number
}

/**
 * The compiled selection of a statement. A value is the JSON text of a member, or SQL NULL where it is undefined;
 * `values` is an SQL expression for a `text[]` of them. `whole`: the documents themselves. `rows`: values of each row.
 * `total`: values over all rows. `groups`: values of each group of rows, where the value of `group` itself comes before
 * `values`.
 */
export type Selection =
  | { readonly kind: 'whole' }
  | { readonly kind: 'rows' | 'total'; readonly columns: readonly Column[]; readonly values: Fragment }
  | {
      readonly kind: 'groups'
      readonly columns: readonly Column[]
      readonly group: Fragment
      readonly values: Fragment
    }

const undefinedValue = sql`null::text`

const textArray = (values: readonly Fragment[]): Fragment => sql`array[${join(values, ', ')}]::text[]`

/**
 * The keys of the results, in order: the alias; otherwise the last segment of the path as displayed; otherwise, for an
 * aggregate, `$1` and so on.
 * @throws QueryConditionError when two are the same.
 */
function keysOf(items: readonly SelectItem[], fields: FieldMap): readonly string[] {
  const keys = new Set<string>()
  let unnamed = 0
  const nameOf = (item: SelectItem): string =>
    item.kind === 'projection' ? (shownPath(fields, item.path.segments).at(-1) ?? '') : `$${++unnamed}`
  for (const item of items) {
    const key = item.alias ?? nameOf(item)
    if (keys.has(key)) fail(`two results have the key '${key}'; rename one of them with AS`, item.position)
    keys.add(key)
  }
  return [...keys]
}

/**
 * The results by their paths in a document, for a document that is created outside of the database.
 * @throws QueryConditionError when two have the same key.
 */
export function resultPaths(
  items: readonly SelectItem[],
  fields: FieldMap,
): readonly { readonly key: string; readonly path: readonly string[] }[] {
  const keys = keysOf(items, fields)
  return items.map(({ path }, index) => ({ key: keys[index] ?? '', path: shownPath(fields, path?.segments ?? []) }))
}

function valueText(path: Path, fields: FieldMap): Fragment {
  const value = valueAt(path, fields)
  return value === undefined ? undefinedValue : sql`(${value})::text`
}

/**
 * An aggregate over its rows. Sums and averages are of `numeric`, which neither overflows nor depends on the order of
 * the rows. Numbers and texts have no order among each other; numbers count as smaller.
 */
function aggregateText({ name, path }: Aggregate, fields: FieldMap): Fragment {
  if (path === undefined) return sql`count(*)::text`
  if (name === 'count') return sql`count(${valueText(path, fields)})::text`
  const number = numericOf(path, fields) ?? sql`null::numeric`
  if (name === 'sum') return sql`coalesce(sum(${number}), 0)::text`
  if (name === 'avg') return sql`avg(${number})::text`
  const text = sql`(${textOf(path, fields) ?? undefinedValue}) collate "C"`
  return name === 'min'
    ? sql`coalesce(min(${number})::text, to_jsonb(min(${text}))::text)`
    : sql`coalesce(to_jsonb(max(${text}))::text, max(${number})::text)`
}

/**
 * Compiles the selection of a statement over the rows of `fields`.
 * @throws QueryConditionError when two results have the same key, or when a result is neither the GROUP BY path nor an
 * aggregate.
 */
export function compileSelection({ items, groupBy }: Statement, fields: FieldMap): Selection {
  if (items === undefined) return { kind: 'whole' }
  const keys = keysOf(items, fields)
  if (groupBy === undefined) {
    // A path that is selected under several keys is one value.
    const values = new Map<string, Fragment>()
    const places = new Map<string, number>()
    const columns = items.map((item, place): Column => {
      const name = item.kind === 'aggregate' ? item.name : ''
      const id = JSON.stringify([name, item.path === undefined ? null : shownPath(fields, item.path.segments)])
      if (!values.has(id)) {
        places.set(id, values.size)
        values.set(id, item.kind === 'aggregate' ? aggregateText(item, fields) : valueText(item.path, fields))
      }
      return { key: keys[place] ?? '', index: places.get(id) ?? 0 }
    })
    return {
      kind: items.some((item) => item.kind === 'aggregate') ? 'total' : 'rows',
      columns,
      values: textArray([...values.values()]),
    }
  }

  const idOf = (path: Path): string => JSON.stringify(shownPath(fields, path.segments))
  const values: Fragment[] = []
  const columns = items.map((item, place): Column => {
    const key = keys[place] ?? ''
    if (item.kind === 'aggregate') return { key, index: values.push(aggregateText(item, fields)) }
    if (idOf(item.path) !== idOf(groupBy))
      fail('with GROUP BY, a path must be the grouped one or the argument of an aggregate', item.position)
    return { key, index: 0 }
  })
  return { kind: 'groups', columns, group: valueText(groupBy, fields), values: textArray(values) }
}
