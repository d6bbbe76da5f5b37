import type { Fragment } from '../sql-fragment.ts'
import type { ArithmeticOperator, Constant, Expression, Path } from './ast.ts'
import { type FieldMap, jsonAt, type Members, resolve, type Target } from './resolve-path.ts'
import { bindJson, bindNumber, bindText, join, sql } from './sql-builder.ts'

// Values as SQL, one type at a time. Each function returns an expression that is NULL in every row where the value does
// not have that type, or `undefined` where that is so in all rows. So no cast gets a value on which it could fail.

/** The target of a path. */
export const targetOf = (path: Path, fields: FieldMap): Target => resolve(fields, path.segments)

const noNumber = sql`null::float8`

/**
 * Functions of the database with the arithmetic of IEEE 754, as in JavaScript: float8's own operators raise an error on
 * overflow, underflow and division by zero, and one such device would fail the whole statement.
 */
const calculations: Readonly<Record<ArithmeticOperator, (left: Fragment, right: Fragment) => Fragment>> = {
  '+': (left, right) => sql`double_add(${left}, ${right})`,
  '-': (left, right) => sql`double_add(${left}, -(${right}))`,
  '*': (left, right) => sql`double_multiply(${left}, ${right})`,
  '/': (left, right) => sql`double_divide(${left}, ${right})`,
  '%': (left, right) => sql`double_remainder(${left}, ${right})`,
}

/** The value as float8. Never NaN: such a result is undefined in the language. */
export function numberOf(expression: Expression, fields: FieldMap): Fragment | undefined {
  switch (expression.kind) {
    case 'literal':
      return typeof expression.value === 'number' ? bindNumber(expression.value) : undefined
    case 'path': {
      const target = targetOf(expression, fields)
      if (target.kind === 'number') return target.sql
      if (target.kind !== 'json') return undefined
      const { json, text } = jsonAt(target.document, target.segments)
      return sql`case jsonb_typeof${json} when 'number' then ${text}::float8 end`
    }
    case 'arithmetic': {
      const { left, right } = expression
      return calculations[expression.operator](numberOf(left, fields) ?? noNumber, numberOf(right, fields) ?? noNumber)
    }
    case 'negation':
      return sql`(-(${numberOf(expression.operand, fields) ?? noNumber}))`
    default:
      return undefined
  }
}

/** The value as text. */
export function textOf(expression: Expression, fields: FieldMap): Fragment | undefined {
  if (expression.kind === 'literal')
    return typeof expression.value === 'string' ? bindText(expression.value) : undefined
  if (expression.kind !== 'path') return undefined
  const target = targetOf(expression, fields)
  if (target.kind === 'text') return target.sql
  if (target.kind !== 'json') return undefined
  const { json, text } = jsonAt(target.document, target.segments)
  return sql`case jsonb_typeof${json} when 'string' then ${text} end`
}

/** The value as jsonb, of any type, and only where the path leads into a document. */
export function jsonOf(expression: Expression, fields: FieldMap): Fragment | undefined {
  if (expression.kind !== 'path') return undefined
  const target = targetOf(expression, fields)
  return target.kind === 'json' ? jsonAt(target.document, target.segments).json : undefined
}

/** The number at a path as PostgreSQL's `numeric`, exactly as in the document. */
export function numericOf(path: Path, fields: FieldMap): Fragment | undefined {
  const target = targetOf(path, fields)
  if (target.kind === 'number') return sql`(${target.sql})::numeric`
  if (target.kind !== 'json') return undefined
  const { json, text } = jsonAt(target.document, target.segments)
  return sql`case jsonb_typeof${json} when 'number' then ${text}::numeric end`
}

/** The value at a path as jsonb, of any type and wherever the path leads; documents with all their members. */
export const valueAt = (path: Path, fields: FieldMap): Fragment | undefined => jsonbOf(targetOf(path, fields))

/** Everything that conditions can use, as one jsonb object. */
export const documentOf = (fields: FieldMap): Fragment => objectOf(fields.members)

function jsonbOf(target: Target): Fragment | undefined {
  switch (target.kind) {
    case 'text':
      return target.nullable ? sql`coalesce(to_jsonb(${target.sql}), 'null')` : sql`to_jsonb(${target.sql})`
    case 'number':
    case 'boolean':
      return sql`to_jsonb(${target.sql})`
    case 'json':
      return jsonAt(target.document, target.segments).json
    case 'document':
      return target.members.size === 0 ? target.sql : sql`${target.sql} || ${objectOf(target.members)}`
    case 'group':
      return objectOf(target.members)
    case 'undefined':
      return undefined
  }
}

function objectOf(members: Members): Fragment {
  const pairs = [...members.values()].map(({ name, field }) => sql`${bindText(name)}, ${jsonbOf(field) ?? sql`null`}`)
  return sql`jsonb_build_object(${join(pairs, ', ')})`
}

/** Whether the value is null: true, otherwise false or NULL. */
export function nullOf(expression: Expression, fields: FieldMap): Fragment | undefined {
  if (expression.kind === 'literal') return expression.value === null ? sql`true` : undefined
  if (expression.kind !== 'path') return undefined
  const target = targetOf(expression, fields)
  const json = jsonOf(expression, fields)
  if (json !== undefined) return sql`jsonb_typeof${json} = 'null'`
  return target.kind === 'text' && target.nullable ? sql`${target.sql} is null` : undefined
}

/**
 * Whether a document contains exactly this scalar at the path; never NULL, and answered from a GIN index where there is
 * one. Containment is equality here: the document is an object, and so is every level down to the scalar; jsonb's rule
 * that an array contains its elements as scalars applies only to a document that is itself an array.
 */
export function contains(document: Fragment, segments: readonly string[], value: Constant): Fragment {
  // JSON has no Infinity, so no document contains one.
  if (value === undefined || value === Infinity || value === -Infinity) return sql`false`
  const json = segments.reduceRight((inner, segment) => `{${JSON.stringify(segment)}:${inner}}`, JSON.stringify(value))
  return sql`${document} @> ${bindJson(json)}`
}
