import {
  type ArgumentNode,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getArgumentValues,
  getNamedType,
  getOperationAST,
  getVariableValues,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
  visit,
} from 'graphql'
import { maxComplexity } from './complexity.ts'

/** What an operation may cost by its text and its variables, whatever the hub has. */
export type Cost = {
  readonly complexity: number
  readonly maximum: number
  /** The fields that account for most of it, with what is selected below them. */
  readonly fields: readonly { readonly path: string; readonly complexity: number }[]
}

/** Maximum number of fields in a cost. */
const mostFields = 20
/** What the plugin of complexity takes for a list whose field has only a number. */
const defaultMultiplier = 10

/** Whether a request asks for its cost, by the extension `cost`. */
export const wantsCost = (extensions: unknown): boolean =>
  typeof extensions === 'object' && extensions !== null && 'cost' in extensions && extensions.cost === true

type Weight = { readonly own: number; readonly multiplier: number }

const isWeighing = (value: unknown): value is (args: object, context: object, field: object) => unknown =>
  typeof value === 'function'

/** The arguments of a selected field, as far as its weight depends on them. Reading an unknown one throws `UnknownArgument`. */
type ArgumentsOf = (field: GraphQLField<unknown, unknown>, node: FieldNode) => object

/** A weight depends on an argument that may have any value. */
class UnknownArgument extends Error {}

function declaredWeight(field: GraphQLField<unknown, unknown>, args: object): unknown {
  const declared: unknown = field.extensions.complexity
  try {
    return isWeighing(declared) ? declared(args, {}, field) : declared
  } catch (error) {
    if (error instanceof UnknownArgument) return Number.POSITIVE_INFINITY
    throw error
  }
}

function weightOf(field: GraphQLField<unknown, unknown>, args: object): Weight {
  const weight = declaredWeight(field, args)
  const member = (name: string): unknown =>
    typeof weight === 'object' && weight !== null ? Reflect.get(weight, name) : undefined
  const [own, multiplier] = [typeof weight === 'number' ? weight : member('field'), member('multiplier')]
  const isList = isListType(isNonNullType(field.type) ? field.type.ofType : field.type)
  return {
    own: typeof own === 'number' ? own : 1,
    multiplier: Math.max(typeof multiplier === 'number' ? multiplier : isList ? defaultMultiplier : 1, 0),
  }
}

/** Weighs the selections of a document, each once for each type, however often it is used. */
function createScales(schema: GraphQLSchema, document: DocumentNode, argumentsOf: ArgumentsOf) {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)
  }

  /** The selected fields with their weights, and the selections of fragments, which stand for their fields. */
  const partsOf = (selectionSet: SelectionSetNode, type: GraphQLNamedType): Part[] =>
    selectionSet.selections.flatMap((selection): Part[] => {
      if (selection.kind !== Kind.FIELD) {
        const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value) : selection
        const condition = fragment?.typeCondition?.name.value
        const within = condition === undefined ? type : schema.getType(condition)
        return fragment && within ? [{ selectionSet: fragment.selectionSet, type: within }] : []
      }
      const name = selection.alias?.value ?? selection.name.value
      // A part of introspection, such as `__typename`.
      if (selection.name.value.startsWith('__')) return [{ name, own: 1, selectionSet: undefined, type }]
      const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[selection.name.value] : undefined
      if (field === undefined) return []
      return [
        {
          name,
          ...weightOf(field, argumentsOf(field, selection)),
          selectionSet: selection.selectionSet,
          type: getNamedType(field.type),
        },
      ]
    })

  const weighed = new Map<SelectionSetNode, Map<GraphQLNamedType, number>>()
  const complexityOf = (selectionSet: SelectionSetNode | undefined, type: GraphQLNamedType): number => {
    if (selectionSet === undefined) return 0
    const known = weighed.get(selectionSet)?.get(type)
    if (known !== undefined) return known
    const sum = partsOf(selectionSet, type).reduce((total, part) => total + costOfPart(part), 0)
    const byType = weighed.get(selectionSet) ?? new Map<GraphQLNamedType, number>()
    weighed.set(selectionSet, byType.set(type, sum))
    return sum
  }
  const costOfPart = ({ own = 0, multiplier = 1, selectionSet, type }: Part): number =>
    own + multiplier * complexityOf(selectionSet, type)
  return { partsOf, complexityOf, costOfPart }
}

/**
 * The cost of an operation, as the plugin of complexity counts it, and its largest parts. Undefined for an operation that
 * is not executed because of its variables.
 */
export function costOf({ schema, document, operationName, variableValues }: ExecutionArgs): Cost | undefined {
  const operation = getOperationAST(document, operationName)
  const root = operation && schema.getRootType(operation.operation)
  if (!operation || !root) return undefined
  const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], variableValues ?? {})
  if (coerced === undefined) return undefined
  const { partsOf, complexityOf, costOfPart } = createScales(schema, document, (field, node) =>
    getArgumentValues(field, node, coerced),
  )

  /** The fields below a part, those of fragments included, each with the selections under all its occurrences. */
  const below = ({ path, within }: Weighed): Weighed[] => {
    const found = new Map<string, Weighed>()
    const seen = new Set<SelectionSetNode>()
    const add = ({ selectionSet, type, times }: Within): void => {
      if (seen.has(selectionSet)) return
      seen.add(selectionSet)
      for (const part of partsOf(selectionSet, type)) {
        const { name, multiplier = 1, selectionSet: inner } = part
        const selected = inner && { selectionSet: inner, type: part.type, times: times * multiplier }
        if (name === undefined) {
          if (selected) add(selected)
          continue
        }
        const known = found.get(name)
        found.set(name, {
          path: path === '' ? name : `${path}.${name}`,
          complexity: (known?.complexity ?? 0) + times * costOfPart(part),
          within: [...(known?.within ?? []), ...(selected ? [selected] : [])],
        })
      }
    }
    for (const each of within) add(each)
    return [...found.values()]
  }

  const complexity = complexityOf(operation.selectionSet, root)
  const fields: { readonly path: string; readonly complexity: number }[] = []
  // Nothing below a field costs more than the field, so the largest fields are found without a look at all paths, which
  // may be many thousands.
  const open = below({ path: '', complexity, within: [{ selectionSet: operation.selectionSet, type: root, times: 1 }] })
  while (fields.length < mostFields) {
    const largest = open.reduce((a, b) => (b.complexity > a.complexity ? b : a), nothing)
    if (largest.complexity === 0) break
    fields.push({ path: largest.path, complexity: largest.complexity })
    open.splice(open.indexOf(largest), 1, ...below(largest))
  }
  return { complexity, maximum: maxComplexity, fields }
}

/**
 * The most that the operations of a document can cost, whatever their variables are. Infinite when a weight depends on a
 * variable that is neither a number nor a text.
 */
export function mostComplexity(schema: GraphQLSchema, document: DocumentNode): number {
  const complexities = document.definitions.flatMap((definition) => {
    if (definition.kind !== Kind.OPERATION_DEFINITION) return []
    const root = schema.getRootType(definition.operation)
    const { complexityOf } = createScales(schema, document, mostArguments(definition))
    return root ? [complexityOf(definition.selectionSet, root)] : []
  })
  return Math.max(0, ...complexities)
}

/** Weights grow with numbers, up to the longest page, and do not depend on texts. */
const mostByType: ReadonlyMap<string, ValueNode> = new Map<string, ValueNode>([
  ['Int', { kind: Kind.INT, value: String(2 ** 31 - 1) }],
  ['String', { kind: Kind.STRING, value: '' }],
  ['ID', { kind: Kind.STRING, value: '' }],
])

/** The arguments with the values of variables for which the weight is the largest. */
function mostArguments({ variableDefinitions = [] }: OperationDefinitionNode): ArgumentsOf {
  const most = new Map<string, ValueNode>()
  for (const { variable, type } of variableDefinitions) {
    const bare = type.kind === Kind.NON_NULL_TYPE ? type.type : type
    const value = bare.kind === Kind.NAMED_TYPE ? mostByType.get(bare.name.value) : undefined
    if (value !== undefined) most.set(variable.name.value, value)
  }
  const withMost = (argument: ArgumentNode): ArgumentNode =>
    visit(argument, { Variable: ({ name }) => most.get(name.value) })
  return (field, node) => {
    if (!isWeighing(field.extensions.complexity)) return {}
    const given = (node.arguments ?? []).map(withMost)
    const unknown = new Set(given.filter(hasVariable).map(({ name }) => name.value))
    const known = field.args.filter(({ name }) => !unknown.has(name))
    const args = getArgumentValues({ ...field, args: known }, { ...node, arguments: given })
    for (const name of unknown) Object.defineProperty(args, name, { get: throwUnknown })
    return args
  }
}

function throwUnknown(): never {
  throw new UnknownArgument()
}

function hasVariable(argument: ArgumentNode): boolean {
  let found = false
  visit(argument, {
    Variable() {
      found = true
    },
  })
  return found
}

/** Selections, and how many objects they apply to. */
type Within = { readonly selectionSet: SelectionSetNode; readonly type: GraphQLNamedType; readonly times: number }

/** A field with what it costs. */
type Weighed = { readonly path: string; readonly complexity: number; readonly within: readonly Within[] }

const nothing: Weighed = { path: '', complexity: 0, within: [] }

/** A selected field, or a fragment, which has neither a name nor a weight. */
type Part = Partial<Weight> & {
  readonly name?: string
  readonly selectionSet: SelectionSetNode | undefined
  readonly type: GraphQLNamedType
}

/** The result with the cost in its extensions. */
export const withCost = (result: ExecutionResult, cost: Cost | undefined): ExecutionResult =>
  cost === undefined ? result : { ...result, extensions: { ...result.extensions, cost } }
