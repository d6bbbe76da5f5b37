import {
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLLeafType,
  type GraphQLSchema,
  getVariableValues,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  type OperationDefinitionNode,
  typeFromAST,
  type VariableDefinitionNode,
} from 'graphql'

/** The values of the variables of an operation, or the errors of values that do not fit. */
export type CoerceVariables = (given: Readonly<Record<string, unknown>>) => ReturnType<typeof getVariableValues>

/** Errors of the variables of one request. */
const maxErrors = 50

/** A value that is left to graphql: one that does not fit, or that is not in the usual form. */
const unusual = Symbol('unusual')

type Coerce = (value: unknown) => unknown

type Variable = { readonly name: string; readonly isRequired: boolean; readonly coerce: Coerce }

/**
 * Finds the types of the variables once for an operation. graphql finds them in each request, and keeps the path of each value
 * for an error. All errors are graphql's: it coerces the variables of a request again in which a value is unusual.
 */
export function planVariables(schema: GraphQLSchema, operation: OperationDefinitionNode): CoerceVariables {
  const definitions = operation.variableDefinitions ?? []
  const byGraphql: CoerceVariables = (given) => getVariableValues(schema, definitions, given, { maxErrors })
  const variables = definitions.map((definition) => variableOf(schema, definition))
  return (given) => {
    const coerced: Record<string, unknown> = {}
    for (const variable of variables) {
      if (variable === undefined) return byGraphql(given)
      const { name, isRequired, coerce } = variable
      if (!Object.hasOwn(given, name)) {
        if (isRequired) return byGraphql(given)
        continue
      }
      const value = coerce(given[name])
      if (value === unusual) return byGraphql(given)
      coerced[name] = value
    }
    return { coerced }
  }
}

/** Undefined for a variable that is left to graphql: with a default value, or without a type. */
function variableOf(
  schema: GraphQLSchema,
  { variable, type, defaultValue }: VariableDefinitionNode,
): Variable | undefined {
  const found = typeFromAST(schema, type)
  if (!isInputType(found) || defaultValue !== undefined) return undefined
  return { name: variable.name.value, isRequired: isNonNullType(found), coerce: coercionOf(found) }
}

const coercions = new WeakMap<GraphQLInputType, Coerce>()

function coercionOf(type: GraphQLInputType): Coerce {
  const coerce = coercions.get(type) ?? newCoercion(type)
  coercions.set(type, coerce)
  return coerce
}

function newCoercion(type: GraphQLInputType): Coerce {
  if (isNonNullType(type)) {
    const coerce = coercionOf(type.ofType)
    return (value) => (value === null || value === undefined ? unusual : coerce(value))
  }
  const coerce = isListType(type)
    ? listCoercion(coercionOf(type.ofType))
    : isInputObjectType(type)
      ? objectCoercion(type)
      : leafCoercion(type)
  return (value) => (value === null || value === undefined ? null : coerce(value))
}

function listCoercion(coerce: Coerce): Coerce {
  return (value) => {
    if (!Array.isArray(value)) return unusual
    const list: unknown[] = []
    for (const item of value) {
      const coerced = coerce(item)
      if (coerced === unusual) return unusual
      list.push(coerced)
    }
    return list
  }
}

function leafCoercion(type: GraphQLLeafType): Coerce {
  return (value) => {
    try {
      const parsed = type.parseValue(value)
      return parsed === undefined ? unusual : parsed
    } catch {
      return unusual
    }
  }
}

type Field = { readonly isRequired: boolean; readonly byDefault: unknown; readonly coerce: Coerce }

function objectCoercion(type: GraphQLInputObjectType): Coerce {
  // Found when they are first needed: a type may have fields of its own type.
  let known: ReadonlyMap<string, Field> | undefined
  return (value) => {
    if (!isObject(value) || type.isOneOf) return unusual
    known ??= fieldsOf(type)
    const object: Record<string, unknown> = {}
    for (const [name, { isRequired, byDefault, coerce }] of known) {
      const given = value[name]
      if (given !== undefined) {
        const coerced = coerce(given)
        if (coerced === unusual) return unusual
        object[name] = coerced
      } else if (byDefault !== undefined) object[name] = byDefault
      else if (isRequired) return unusual
    }
    for (const name of Object.keys(value)) if (!known.has(name)) return unusual
    return object
  }
}

const fieldsOf = (type: GraphQLInputObjectType): ReadonlyMap<string, Field> =>
  new Map(
    Object.values(type.getFields()).map((field) => [
      field.name,
      { isRequired: isNonNullType(field.type), byDefault: field.defaultValue, coerce: coercionOf(field.type) },
    ]),
  )

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
