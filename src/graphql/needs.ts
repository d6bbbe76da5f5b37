import { type DocumentNode, type GraphQLObjectType, type GraphQLSchema, getVariableValues } from 'graphql'
import { type Right, rights } from '../access/rights.ts'
import { type FieldPlan, planDocument, type Shape, type Variables } from './transport/plan.ts'

/**
 * The rights that an operation demands of its viewer: of each list, one. They are those of the selected fields and of
 * their types, with the arguments of this request; of a field with several possible types, those of all of them. What
 * `node` and `nodes` demand for the types of their ids is not among them. An operation that cannot be executed demands
 * nothing.
 */
export function rightsNeeded(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Variables,
): readonly (readonly Right[])[] {
  const plan = planDocument(schema, document, () => {}).operation(operationName)
  if (plan === undefined) return []
  const { coerced } = getVariableValues(schema, plan.operation.variableDefinitions ?? [], variables)
  if (coerced === undefined) return []

  const needs = new Map<string, readonly Right[]>()
  const note = (needed: readonly Right[]): void => {
    if (needed.length > 0) needs.set(needed.join(), needed)
  }
  const visit = (fields: readonly FieldPlan[]): void => {
    for (const { parentType, field, argumentsFor, shape, below } of fields) {
      if (field.name.startsWith('__')) continue
      const args = argumentsFor(coerced)
      note(requiredRights(parentType.extensions, args))
      note(requiredRights(field.extensions, args))
      for (const type of typesOf(schema, shape)) visit(below(type, coerced))
    }
  }
  visit(plan.fieldsFor(coerced))
  return [...needs.values()]
}

/** The object types that values of this shape can have. */
function typesOf(schema: GraphQLSchema, shape: Shape): readonly GraphQLObjectType[] {
  switch (shape.kind) {
    case 'list':
      return typesOf(schema, shape.items)
    case 'object':
      return [shape.type]
    case 'abstract':
      return schema.getPossibleTypes(shape.type)
    case 'leaf':
      return []
  }
}

/**
 * The rights, one of which `authScopes` of a field or type requires. Functions of them depend on the arguments only.
 */
export function requiredRights(
  { pothosOptions }: { readonly pothosOptions?: unknown },
  args: Record<string, unknown>,
): readonly Right[] {
  const declared: unknown = Reflect.get(Object(pothosOptions), 'authScopes')
  const scopes: unknown = typeof declared === 'function' ? declared(undefined, args) : declared
  const needed: unknown = Reflect.get(Object(scopes), 'right')
  return rights.filter((right) => [needed].flat().includes(right))
}
