import {
  type DocumentNode,
  defaultFieldResolver,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLAbstractType,
  type GraphQLField,
  type GraphQLFieldResolver,
  GraphQLIncludeDirective,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getArgumentValues,
  getDirectiveValues,
  getOperationAST,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  Kind,
  type OperationDefinitionNode,
  SchemaMetaFieldDef,
  type SelectionNode,
  type SelectionSetNode,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
  typeFromAST,
  type ValueNode,
  visit,
} from 'graphql'
import { type Member, memberOf } from '../quick-rights.ts'
import { type CoerceVariables, planVariables } from './coerce-variables.ts'

/** Coerced variables. */
export type Variables = { readonly [name: string]: unknown }

/** An output type without its wrappers. A value that is not nullable, but null, is an error of its parent. */
export type Shape = { readonly isNullable: boolean } & (
  | { readonly kind: 'list'; readonly items: Shape }
  | { readonly kind: 'leaf'; readonly type: GraphQLLeafType }
  | { readonly kind: 'object'; readonly type: GraphQLObjectType }
  | { readonly kind: 'abstract'; readonly type: GraphQLAbstractType }
)

/** A field that is selected on a type: what all its executions have in common. */
export type FieldPlan = {
  /** Its name in the result. */
  readonly key: string
  readonly nodes: readonly FieldNode[]
  readonly parentType: GraphQLObjectType
  readonly field: GraphQLField<unknown, unknown>
  readonly resolve: GraphQLFieldResolver<unknown, unknown>
  /** The member of its object that a leaf shows, to a viewer with the rights. Undefined when a resolver is needed. */
  readonly member: Member | undefined
  /** The arguments. GraphQLError when a variable does not fit. */
  readonly argumentsFor: (variables: Variables) => Record<string, unknown>
  readonly shape: Shape
  /** The fields that are selected below it on an object of this type. */
  readonly below: (type: GraphQLObjectType, variables: Variables) => readonly FieldPlan[]
}

/** An operation, with the fields of the types that have occurred in its executions so far. */
export type OperationPlan = {
  readonly operation: OperationDefinitionNode
  readonly fragments: Fragments
  readonly coerceVariables: CoerceVariables
  /** The root fields. */
  readonly fieldsFor: (variables: Variables) => readonly FieldPlan[]
}

/** The plans of the operations of a document. */
export type DocumentPlan = {
  readonly schema: GraphQLSchema
  /** Undefined when the name selects none. */
  operation(name: string | null | undefined): OperationPlan | undefined
}

type Fragments = { readonly [name: string]: FragmentDefinitionNode }

/** Sets of values of the variables in `@skip` and `@include` that an operation has different plans for. */
const maxVariants = 8

/**
 * Plans a document as its operations are executed: a plan costs no more than the first execution would without it.
 * `onGrowth` gets the number of fields that are added.
 */
export function planDocument(
  schema: GraphQLSchema,
  document: DocumentNode,
  onGrowth: (fields: number) => void,
): DocumentPlan {
  const fragments: Record<string, FragmentDefinitionNode> = Object.create(null)
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments[definition.name.value] = definition
  }
  const conditions = conditionsIn(document)
  const plans = new Map<OperationDefinitionNode, OperationPlan>()
  return {
    schema,
    operation(name) {
      const operation = getOperationAST(document, name)
      if (operation === null || operation === undefined) return undefined
      const plan = plans.get(operation) ?? planOperation(operation, { schema, fragments, conditions, onGrowth })
      plans.set(operation, plan)
      return plan
    },
  }
}

type Surroundings = {
  readonly schema: GraphQLSchema
  readonly fragments: Fragments
  readonly conditions: readonly string[]
  readonly onGrowth: (fields: number) => void
}

function planOperation(operation: OperationDefinitionNode, surroundings: Surroundings): OperationPlan {
  const { schema, fragments, conditions } = surroundings
  const type = schema.getRootType(operation.operation)
  const plan = (onGrowth: (fields: number) => void): FieldPlan['below'] =>
    planSelections([operation.selectionSet], { ...surroundings, onGrowth })
  const variants = new Map<string, FieldPlan['below']>()
  return {
    operation,
    fragments,
    coerceVariables: planVariables(schema, operation),
    fieldsFor(variables) {
      if (type === undefined || type === null) throw new Error(`The schema has no ${operation.operation}.`)
      const key = conditions.map((name) => String(variables[name])).join()
      const known = variants.get(key)
      if (known !== undefined) return known(type, variables)
      // A plan that is not kept takes no memory.
      if (variants.size >= maxVariants) return plan(() => {})(type, variables)
      const below = plan(surroundings.onGrowth)
      variants.set(key, below)
      return below(type, variables)
    },
  }
}

/** The names of the variables in the directives `@skip` and `@include`. */
function conditionsIn(document: DocumentNode): readonly string[] {
  const names = new Set<string>()
  visit(document, {
    Directive(directive) {
      for (const { value } of directive.arguments ?? []) if (value.kind === Kind.VARIABLE) names.add(value.name.value)
    },
  })
  return [...names]
}

/** Plans each type when an object of it occurs for the first time. */
function planSelections(sets: readonly SelectionSetNode[], surroundings: Surroundings): FieldPlan['below'] {
  const byType = new Map<GraphQLObjectType, readonly FieldPlan[]>()
  return (type, variables) => {
    const known = byType.get(type)
    if (known !== undefined) return known
    const fields: FieldPlan[] = []
    for (const [key, nodes] of collectFields(sets, type, { ...surroundings, variables })) {
      const field = fieldOf(surroundings.schema, type, nodes[0])
      if (field !== undefined) fields.push(planField(key, field, { type, nodes, surroundings }))
    }
    byType.set(type, fields)
    surroundings.onGrowth(fields.length)
    return fields
  }
}

type Nodes = readonly [FieldNode, ...FieldNode[]]

function planField(
  key: string,
  field: GraphQLField<unknown, unknown>,
  options: {
    readonly type: GraphQLObjectType
    readonly nodes: Nodes
    readonly surroundings: Surroundings
  },
): FieldPlan {
  const { type, nodes, surroundings } = options
  const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? [])
  const { resolve = defaultFieldResolver } = field
  const shape = shapeOf(field.type)
  return {
    key,
    nodes,
    parentType: type,
    field,
    resolve,
    member: shape.kind === 'leaf' ? shownMember(field) : undefined,
    argumentsFor: planArguments(field, nodes[0]),
    shape,
    below: sets.length === 0 ? noFields : planSelections(sets, surroundings),
  }
}

const shownMember = ({ name, resolve }: GraphQLField<unknown, unknown>): Member | undefined =>
  resolve === undefined ? { name, needed: [] } : memberOf(resolve)

const shapes = new WeakMap<GraphQLOutputType, Shape>()

function shapeOf(type: GraphQLOutputType): Shape {
  const shape = shapes.get(type) ?? newShape(type)
  shapes.set(type, shape)
  return shape
}

function newShape(type: GraphQLOutputType): Shape {
  if (isNonNullType(type)) return { ...shapeOf(type.ofType), isNullable: false }
  if (isListType(type)) return { kind: 'list', items: shapeOf(type.ofType), isNullable: true }
  if (isLeafType(type)) return { kind: 'leaf', type, isNullable: true }
  if (isAbstractType(type)) return { kind: 'abstract', type, isNullable: true }
  return { kind: 'object', type, isNullable: true }
}

const noFields = (): readonly FieldPlan[] => []

function fieldOf(
  schema: GraphQLSchema,
  type: GraphQLObjectType,
  node: FieldNode,
): GraphQLField<unknown, unknown> | undefined {
  const name = node.name.value
  if (name === TypeNameMetaFieldDef.name) return TypeNameMetaFieldDef
  if (type === schema.getQueryType()) {
    if (name === SchemaMetaFieldDef.name) return SchemaMetaFieldDef
    if (name === TypeMetaFieldDef.name) return TypeMetaFieldDef
  }
  return type.getFields()[name]
}

/** Arguments without variables are read once, unless they are objects: resolvers get objects of their own. */
function planArguments(field: GraphQLField<unknown, unknown>, node: FieldNode): FieldPlan['argumentsFor'] {
  if (field.args.length === 0) return () => ({})
  const read = (variables: Variables) => getArgumentValues(field, node, variables)
  if (node.arguments?.some(({ value }) => !isPlain(value))) return read
  const values = read({})
  if (Object.values(values).some((value) => typeof value === 'object' && value !== null)) return read
  return () => ({ ...values })
}

const isPlain = ({ kind }: ValueNode): boolean => kind !== Kind.VARIABLE && kind !== Kind.LIST && kind !== Kind.OBJECT

/** The fields that are selected on an object of this type, in their order, each with all its nodes. */
function collectFields(
  sets: readonly SelectionSetNode[],
  type: GraphQLObjectType,
  options: Surroundings & { readonly variables: Variables },
): ReadonlyMap<string, Nodes> {
  const { schema, fragments, variables } = options
  const fields = new Map<string, [FieldNode, ...FieldNode[]]>()
  const seen = new Set<string>()
  const collect = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      if (!isIncluded(selection, variables)) continue
      if (selection.kind === Kind.FIELD) {
        const key = selection.alias?.value ?? selection.name.value
        const nodes = fields.get(key)
        if (nodes === undefined) fields.set(key, [selection])
        else nodes.push(selection)
        continue
      }
      const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragmentOf(selection.name.value)
      if (fragment !== undefined && appliesTo(schema, fragment, type)) collect(fragment.selectionSet)
    }
  }
  const fragmentOf = (name: string): FragmentDefinitionNode | undefined => {
    if (seen.has(name)) return undefined
    seen.add(name)
    return fragments[name]
  }
  for (const set of sets) collect(set)
  return fields
}

/** Whether `@skip` and `@include` let a selection in. */
function isIncluded(node: SelectionNode, variables: Variables): boolean {
  if (node.directives === undefined || node.directives.length === 0) return true
  if (getDirectiveValues(GraphQLSkipDirective, node, variables)?.if === true) return false
  return getDirectiveValues(GraphQLIncludeDirective, node, variables)?.if !== false
}

function appliesTo(
  schema: GraphQLSchema,
  { typeCondition }: Pick<FragmentDefinitionNode, 'typeCondition'> | { readonly typeCondition?: undefined },
  type: GraphQLObjectType,
): boolean {
  if (typeCondition === undefined) return true
  const condition = typeFromAST(schema, typeCondition)
  return condition === type || (isAbstractType(condition) && schema.isSubType(condition, type))
}
