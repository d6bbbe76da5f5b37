import type { Fragment } from '../sql-fragment.ts'
import type { Comparison, ComparisonOperator, Expression, Membership, TextTest, TypeTest, ValueType } from './ast.ts'
import { jsonOf, nullOf, numberOf, targetOf, textOf } from './operands.ts'
import type { FieldMap } from './resolve-path.ts'
import { bindBoolean, bindBooleans, bindNumbers, bindTexts, join, sql } from './sql-builder.ts'

// The three-valued half of the compiler: true, false, and NULL for undefined. SQL's AND, OR and NOT agree with the
// language's in every case. Every operand that may itself be long occurs in the SQL once, so the SQL is linear in the
// condition however the user nests it.

const always = sql`true`
const never = sql`false`

/** Undefined in every row. */
export const unknown = sql`null::boolean`

const operators: Readonly<Record<ComparisonOperator, Fragment>> = {
  '=': sql`=`,
  '!=': sql`<>`,
  '<': sql`<`,
  '<=': sql`<=`,
  '>': sql`>`,
  '>=': sql`>=`,
}

/**
 * The value as an operand of NOT, AND and OR: null acts like false, and any other value that is not a Boolean is
 * undefined.
 */
export function truth(expression: Expression, fields: FieldMap): Fragment {
  switch (expression.kind) {
    case 'literal':
      return expression.value === null ? never : (booleanOf(expression, fields) ?? unknown)
    case 'path': {
      const json = jsonOf(expression, fields)
      if (json !== undefined)
        return sql`case jsonb_typeof${json} when 'boolean' then ${json}::boolean when 'null' then false end`
      const absent = nullOf(expression, fields)
      if (absent !== undefined) return sql`case when ${absent} then false end`
      return booleanOf(expression, fields) ?? unknown
    }
    case 'and':
      return join(
        expression.operands.map((operand) => sql`(${truth(operand, fields)})`),
        ' and ',
      )
    case 'or':
      return join(
        expression.operands.map((operand) => sql`(${truth(operand, fields)})`),
        ' or ',
      )
    case 'not':
      return sql`not (${truth(expression.operand, fields)})`
    case 'comparison':
      return comparison(expression, fields)
    case 'membership':
      return membership(expression, fields)
    case 'typeTest':
      return typeTest(expression, fields)
    case 'textTest':
      return textTest(expression, fields)
    case 'arithmetic':
    case 'negation':
      return unknown
  }
}

/** The value as boolean, NULL where it is not one; `undefined` where it never is one. */
function booleanOf(expression: Expression, fields: FieldMap): Fragment | undefined {
  switch (expression.kind) {
    case 'literal':
      return typeof expression.value === 'boolean' ? bindBoolean(expression.value) : undefined
    case 'path': {
      const target = targetOf(expression, fields)
      if (target.kind === 'boolean') return target.sql
      const json = jsonOf(expression, fields)
      return json && sql`case jsonb_typeof${json} when 'boolean' then ${json}::boolean end`
    }
    case 'arithmetic':
    case 'negation':
      return undefined
    default:
      return truth(expression, fields)
  }
}

/**
 * A comparison. Operands whose type is known only per row are compared type by type: at most one part is not NULL, and
 * where the types differ all are. Only texts and numbers have an order; objects and arrays do not even have equality.
 */
export function comparison({ operator, left, right }: Comparison, fields: FieldMap): Fragment {
  const sign = operators[operator]
  const isEquality = operator === '=' || operator === '!='
  const parts: Fragment[] = []

  const [leftNumber, rightNumber] = [numberOf(left, fields), numberOf(right, fields)]
  if (leftNumber && rightNumber) parts.push(sql`${leftNumber} ${sign} ${rightNumber}`)

  const [leftText, rightText] = [textOf(left, fields), textOf(right, fields)]
  // The order must not depend on the database's locale; equality does not, and stays plain for indexes.
  const collation = isEquality ? sql`` : sql` collate "C"`
  if (leftText && rightText) parts.push(sql`${leftText}${collation} ${sign} ${rightText}`)

  if (isEquality) {
    const [leftJson, rightJson] = [jsonOf(left, fields), jsonOf(right, fields)]
    if (leftJson && rightJson)
      return sql`case when jsonb_typeof${leftJson} = jsonb_typeof${rightJson} and jsonb_typeof${leftJson} not in ('object', 'array') then ${leftJson} ${sign} ${rightJson} end`

    const [leftBoolean, rightBoolean] = [booleanOf(left, fields), booleanOf(right, fields)]
    if (leftBoolean && rightBoolean) parts.push(sql`(${leftBoolean}) ${sign} (${rightBoolean})`)

    const [leftNull, rightNull] = [nullOf(left, fields), nullOf(right, fields)]
    if (leftNull && rightNull)
      parts.push(sql`case when ${leftNull} and ${rightNull} then ${operator === '=' ? always : never} end`)
  }
  const [first, ...others] = parts
  return first === undefined ? unknown : others.length === 0 ? first : sql`coalesce(${join(parts, ', ')})`
}

function membership(expression: Membership, fields: FieldMap): Fragment {
  const { operand, negated } = expression
  const member = sql`(${isMember(expression, fields)})`
  const answer = negated ? sql`not ${member}` : member
  const json = jsonOf(operand, fields)
  if (json !== undefined) return sql`case when ${json} is not null then ${answer} end`
  return answer
}

/**
 * Whether the operand's value is one of the elements, including its type. NULL where a calculated operand is undefined;
 * for a path always true or false.
 */
export function isMember({ operand, elements }: Membership, fields: FieldMap): Fragment {
  const numbers = elements.filter((element) => typeof element === 'number')
  const texts = elements.filter((element) => typeof element === 'string')
  const booleans = elements.filter((element) => typeof element === 'boolean')
  // An empty list must still give NULL for NULL, which `= any` of an empty array does not.
  const among = (value: Fragment, list: readonly unknown[], bound: Fragment) =>
    list.length > 0 ? sql`${value} = any(${bound})` : sql`case when ${value} is not null then false end`

  const parts: Fragment[] = []
  const [number, text, boolean] = [numberOf(operand, fields), textOf(operand, fields), booleanOf(operand, fields)]
  if (number) parts.push(among(number, numbers, bindNumbers(numbers)))
  if (text) parts.push(among(text, texts, bindTexts(texts)))
  if (boolean) parts.push(among(sql`(${boolean})`, booleans, bindBooleans(booleans)))
  const absent = nullOf(operand, fields)
  if (absent) parts.push(elements.includes(null) ? sql`coalesce(${absent}, false)` : never)
  const [first = never, ...others] = parts
  return others.length === 0 ? first : sql`coalesce(${join(parts, ', ')})`
}

/** Whether the value has one of the types: true or false, never NULL. */
export function typeTest({ operand, types }: TypeTest, fields: FieldMap): Fragment {
  const json = jsonOf(operand, fields)
  if (json !== undefined)
    return types.length === allTypes
      ? sql`${json} is not null`
      : sql`coalesce(jsonb_typeof${json} in (${join(
          types.map((type) => typeNames[type]),
          ', ',
        )}), false)`
  const has = (type: ValueType) => types.includes(type)
  switch (operand.kind) {
    case 'path': {
      const target = targetOf(operand, fields)
      if (target.kind === 'number' || target.kind === 'boolean') return has(target.kind) ? always : never
      if (target.kind !== 'text') return has('object') ? always : never
      if (!target.nullable || has('string') === has('null')) return has('string') ? always : never
      return has('string') ? sql`${target.sql} is not null` : sql`${target.sql} is null`
    }
    case 'arithmetic':
    case 'negation': {
      const number = numberOf(operand, fields)
      return has('number') && number ? sql`${number} is not null` : never
    }
    default:
      return has('boolean') ? sql`(${truth(operand, fields)}) is not null` : never
  }
}

/** The names that `jsonb_typeof` returns. */
const typeNames: Readonly<Record<ValueType, Fragment>> = {
  null: sql`'null'`,
  boolean: sql`'boolean'`,
  number: sql`'number'`,
  string: sql`'string'`,
  object: sql`'object'`,
  array: sql`'array'`,
}
const allTypes = Object.keys(typeNames).length

/** A test on two texts: NULL unless both are texts. No pattern is involved, so no character is special. */
export function textTest({ test, text, part }: TextTest, fields: FieldMap): Fragment {
  const [whole, piece] = [textOf(text, fields), textOf(part, fields)]
  if (whole === undefined || piece === undefined) return unknown
  switch (test) {
    case 'startsWith':
      return sql`starts_with(${whole}, ${piece})`
    case 'endsWith':
      return sql`right(${whole}, length(${piece})) = ${piece}`
    case 'contains':
      return sql`strpos(${whole}, ${piece}) > 0`
  }
}
