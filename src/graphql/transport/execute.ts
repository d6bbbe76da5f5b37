import {
  defaultTypeResolver,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLAbstractType,
  GraphQLError,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  isObjectType,
  locatedError,
} from 'graphql'
import { answerTooLong } from '../limits.ts'
import { hasAll, type Member } from '../quick-rights.ts'
import type { DocumentPlan, FieldPlan, OperationPlan, Shape, Variables } from './plan.ts'

/** Executes a query, a mutation, or one event of a subscription. */
export type Execute = (args: ExecutionArgs) => ExecutionResult | Promise<ExecutionResult>

type Path = GraphQLResolveInfo['path']

/** What the fields of one execution have in common. */
type Execution = {
  readonly plan: OperationPlan
  readonly schema: GraphQLResolveInfo['schema']
  readonly root: unknown
  readonly context: unknown
  readonly variables: Variables
  readonly errors: GraphQLError[]
  /** Characters of all texts in the result so far. */
  characters: number
}

/**
 * Executes an operation by the plan of its document, as the GraphQL specification defines it. It returns without a
 * promise if no resolver returns one. Errors are in the result. Values that are lists must be iterable, because no
 * resolver returns an asynchronous list. A result whose texts alone have more than `maxBytes` is an error: one text under many
 * names takes no memory here, but printing it would.
 */
export function executePlan(
  documentPlan: DocumentPlan,
  { operationName, rootValue, contextValue, variableValues }: Omit<ExecutionArgs, 'document' | 'schema'>,
  maxBytes = Number.POSITIVE_INFINITY,
): ExecutionResult | Promise<ExecutionResult> {
  const { schema } = documentPlan
  const plan = documentPlan.operation(operationName)
  if (plan === undefined) throw new Error('Must provide an operation.')
  const coerced = plan.coerceVariables(variableValues ?? {})
  if (coerced.errors !== undefined) return { errors: coerced.errors.map(asBadRequest) }
  const execution: Execution = {
    plan,
    schema,
    root: rootValue,
    context: contextValue,
    variables: coerced.coerced,
    errors: [],
    characters: 0,
  }
  const { errors } = execution
  const respond = (data: Row | null): ExecutionResult => {
    if (execution.characters > maxBytes) return { errors: [answerTooLong(maxBytes, execution.characters)] }
    return errors.length === 0 ? { data } : { errors, data }
  }
  const fail = (error: unknown): ExecutionResult => {
    errors.push(...errorsIn(error, undefined, undefined))
    return respond(null)
  }
  try {
    const fields = plan.fieldsFor(execution.variables)
    const isSerial = plan.operation.operation === 'mutation'
    const data = isSerial ? executeSerially(execution, fields, rootValue) : executeFields(execution, fields, rootValue)
    return isPromise(data) ? data.then(respond, fail) : respond(data)
  } catch (error) {
    return fail(error)
  }
}

/** Variables that do not fit are an error of the request. */
function asBadRequest(error: GraphQLError): GraphQLError {
  const { http, ...others } = error.extensions
  const value = { code: 'BAD_USER_INPUT', ...others, http: { ...Object(http), status: 400 } }
  return Object.defineProperty(error, 'extensions', { value })
}

/** An object of a result. It has no prototype that a field name could reach, and is as fast as a class. */
class Row {
  [key: string]: unknown
}
Object.setPrototypeOf(Row.prototype, null)

function executeFields(
  execution: Execution,
  fields: readonly FieldPlan[],
  source: unknown,
  path?: Path,
): Row | Promise<Row> {
  const row = new Row()
  let later: Promise<void>[] | undefined
  try {
    for (const plan of fields) {
      const value =
        plan.member === undefined
          ? executeField(execution, plan, source, path)
          : executeMember(execution, plan, source, path)
      if (isPromise(value)) {
        later ??= []
        later.push(assignLater(row, plan.key, value))
      } else row[plan.key] = value
    }
  } catch (error) {
    if (later === undefined) throw error
    return rejectAfter(rowAfter(later, row), error)
  }
  return later === undefined ? row : rowAfter(later, row)
}

// The functions below have closures, which cost something as soon as the function around them is called.

function assignLater(row: Row, key: string, value: Promise<unknown>): Promise<void> {
  // Its place among the keys.
  row[key] = undefined
  return value.then((result) => {
    row[key] = result
  })
}

function rowAfter(later: readonly Promise<void>[], row: Row): Promise<Row> {
  const [first] = later
  const all: Promise<unknown> = later.length === 1 && first !== undefined ? first : Promise.all(later)
  return all.then(() => row)
}

/** The fields that have begun may fail too, which nobody would handle. */
function rejectAfter(begun: Promise<Row>, error: unknown): Promise<Row> {
  const reject = (): never => {
    throw error
  }
  return begun.then(reject, reject)
}

function executeSerially(execution: Execution, fields: readonly FieldPlan[], source: unknown): Row | Promise<Row> {
  const row = new Row()
  const continueAt = (index: number): Row | Promise<Row> => {
    for (const [offset, plan] of fields.slice(index).entries()) {
      const value = executeField(execution, plan, source, undefined)
      if (isPromise(value)) {
        return value.then((result) => {
          row[plan.key] = result
          return continueAt(index + offset + 1)
        })
      }
      row[plan.key] = value
    }
    return row
  }
  return continueAt(0)
}

function executeField(execution: Execution, plan: FieldPlan, source: unknown, parentPath: Path | undefined): unknown {
  const field = new FieldExecution(execution, plan, parentPath)
  let value: unknown
  try {
    value = plan.resolve(source, plan.argumentsFor(execution.variables), execution.context, field)
  } catch (error) {
    return fail(field, undefined, plan.shape, error)
  }
  return settle(field, undefined, plan.shape, value)
}

/**
 * Most fields are a value of their object. Without an error, such a field needs nothing else. A viewer without the rights
 * goes through the resolver, which refuses.
 */
function executeMember(execution: Execution, plan: FieldPlan, source: unknown, parentPath: Path | undefined): unknown {
  const { member, shape } = plan
  if (member !== undefined && shape.kind === 'leaf' && isObject(source) && mayRead(execution, member)) {
    try {
      const value = source[member.name]
      if (isScalar(value)) return completeLeaf(execution, shape.type, value)
      if (value === null && shape.isNullable) return null
    } catch {
      // The field fails again below, which adds its place to the error.
    }
  }
  return executeField(execution, plan, source, parentPath)
}

/** One field of one object: the `info` of its resolver. Resolvers of most fields need no member of it. */
class FieldExecution implements GraphQLResolveInfo {
  readonly execution: Execution
  readonly plan: FieldPlan
  readonly parentPath: Path | undefined
  private ownPath: Path | undefined
  constructor(execution: Execution, plan: FieldPlan, parentPath: Path | undefined) {
    this.execution = execution
    this.plan = plan
    this.parentPath = parentPath
    this.ownPath = undefined
  }
  /** The same object each time: caches of resolvers are found by it. */
  get path(): Path {
    this.ownPath ??= { prev: this.parentPath, key: this.plan.key, typename: this.plan.parentType.name }
    return this.ownPath
  }
  get fieldName(): GraphQLResolveInfo['fieldName'] {
    return this.plan.field.name
  }
  get fieldNodes(): GraphQLResolveInfo['fieldNodes'] {
    return this.plan.nodes
  }
  get returnType(): GraphQLResolveInfo['returnType'] {
    return this.plan.field.type
  }
  get parentType(): GraphQLResolveInfo['parentType'] {
    return this.plan.parentType
  }
  get schema(): GraphQLResolveInfo['schema'] {
    return this.execution.schema
  }
  get fragments(): GraphQLResolveInfo['fragments'] {
    return this.execution.plan.fragments
  }
  get rootValue(): GraphQLResolveInfo['rootValue'] {
    return this.execution.root
  }
  get operation(): GraphQLResolveInfo['operation'] {
    return this.execution.plan.operation
  }
  get variableValues(): GraphQLResolveInfo['variableValues'] {
    return this.execution.variables
  }
}

/**
 * Completes a value of a field or of a list in it, whose path is then `item`. If that fails, the value is null, or the
 * error is the parent's.
 */
function settle(field: FieldExecution, item: Path | undefined, shape: Shape, value: unknown): unknown {
  if (isPromise(value)) return settleLater(field, item, shape, value)
  try {
    const completed = complete(field, item, shape, value)
    return isPromise(completed) ? failLater(field, item, shape, completed) : completed
  } catch (error) {
    return fail(field, item, shape, error)
  }
}

const settleLater = (
  field: FieldExecution,
  item: Path | undefined,
  shape: Shape,
  value: Promise<unknown>,
): Promise<unknown> =>
  failLater(
    field,
    item,
    shape,
    value.then((resolved) => complete(field, item, shape, resolved)),
  )

const failLater = (
  field: FieldExecution,
  item: Path | undefined,
  shape: Shape,
  completed: Promise<unknown>,
): Promise<unknown> => completed.then(undefined, (error) => fail(field, item, shape, error))

function fail(field: FieldExecution, item: Path | undefined, shape: Shape, error: unknown): null {
  for (const located of errorsIn(error, field.plan, item ?? field.path)) {
    if (!shape.isNullable) throw located
    field.execution.errors.push(located)
  }
  return null
}

/** The errors in an error, which may be an aggregate of several, each with its place. */
function errorsIn(error: unknown, plan: FieldPlan | undefined, path: Path | undefined): readonly GraphQLError[] {
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error]
  return errors.map((one) => locatedError(one, plan?.nodes, path && keysOf(path)))
}

function keysOf(path: Path): readonly (string | number)[] {
  const keys: (string | number)[] = []
  for (let at: Path | undefined = path; at !== undefined; at = at.prev) keys.unshift(at.key)
  return keys
}

function complete(field: FieldExecution, item: Path | undefined, shape: Shape, value: unknown): unknown {
  if (value instanceof Error) throw value
  if (value === null || value === undefined) {
    if (shape.isNullable) return null
    throw new Error(`Cannot return null for non-nullable field ${field.parentType.name}.${field.fieldName}.`)
  }
  switch (shape.kind) {
    case 'leaf':
      return completeLeaf(field.execution, shape.type, value)
    case 'list':
      return completeList(field, item, shape.items, value)
    case 'object':
      return completeObject(field, item, shape.type, value)
    case 'abstract':
      return completeAbstract(field, item, shape.type, value)
  }
}

/** A value that the type does not accept is a fault, and not an error that a client may see. */
function completeLeaf(execution: Execution, type: GraphQLLeafType, value: unknown): unknown {
  let serialized: unknown
  try {
    serialized = type.serialize(value)
  } catch (error) {
    throw error instanceof GraphQLError ? new Error(error.message) : error
  }
  if (typeof serialized === 'string') execution.characters += serialized.length
  if (serialized !== null && serialized !== undefined) return serialized
  throw new Error(`The type ${type.name} has no text for a value: ${String(value)}`)
}

function completeList(field: FieldExecution, item: Path | undefined, items: Shape, value: unknown): unknown {
  if (!isIterable(value)) {
    throw new GraphQLError(
      `Expected Iterable, but did not find one for field "${field.parentType.name}.${field.fieldName}".`,
    )
  }
  const list: unknown[] = []
  const path = item ?? field.path
  let isLater = false
  try {
    for (const element of value) {
      const completed = settle(field, { prev: path, key: list.length, typename: undefined }, items, element)
      if (isPromise(completed)) isLater = true
      list.push(completed)
    }
  } catch (error) {
    // The items that have begun may fail too, which nobody would handle.
    Promise.all(list).catch(() => {})
    throw error
  }
  return isLater ? Promise.all(list) : list
}

function completeObject(
  field: FieldExecution,
  item: Path | undefined,
  type: GraphQLObjectType,
  value: unknown,
): unknown {
  if (type.isTypeOf) {
    const isOfType = type.isTypeOf(value, field.execution.context, field)
    if (isPromise(isOfType)) return completeIfLater(field, item, type, { value, isOfType })
    if (!isOfType) throw wrongType(field, type)
  }
  return executeFields(field.execution, field.plan.below(type, field.execution.variables), value, item ?? field.path)
}

const completeIfLater = (
  field: FieldExecution,
  item: Path | undefined,
  type: GraphQLObjectType,
  { value, isOfType }: { readonly value: unknown; readonly isOfType: Promise<unknown> },
): Promise<unknown> =>
  isOfType.then((answer) => {
    if (!answer) throw wrongType(field, type)
    return executeFields(field.execution, field.plan.below(type, field.execution.variables), value, item ?? field.path)
  })

const wrongType = (field: FieldExecution, type: GraphQLObjectType): GraphQLError =>
  new GraphQLError(`Expected value of type "${type.name}".`, { nodes: field.fieldNodes })

function completeAbstract(
  field: FieldExecution,
  item: Path | undefined,
  type: GraphQLAbstractType,
  value: unknown,
): unknown {
  const name = (type.resolveType ?? defaultTypeResolver)(value, field.execution.context, field, type)
  if (isPromise(name)) return completeMemberLater(field, item, type, { value, name })
  return completeObject(field, item, memberOf(field, type, name), value)
}

const completeMemberLater = (
  field: FieldExecution,
  item: Path | undefined,
  type: GraphQLAbstractType,
  { value, name }: { readonly value: unknown; readonly name: Promise<unknown> },
): Promise<unknown> => name.then((resolved) => completeObject(field, item, memberOf(field, type, resolved), value))

/** The object type with this name, which must be a member of the abstract type. */
function memberOf(field: FieldExecution, type: GraphQLAbstractType, name: unknown): GraphQLObjectType {
  const member = typeof name === 'string' ? field.schema.getType(name) : undefined
  if (isObjectType(member) && field.schema.isSubType(type, member)) return member
  throw new GraphQLError(
    `Abstract type "${type.name}" must resolve to one of its Object types at runtime for field "${field.parentType.name}.${field.fieldName}".`,
    { nodes: field.fieldNodes },
  )
}

/** Whether to wait for a value. Prisma's queries are not promises, but have the method. */
const isPromise = (value: unknown): value is Promise<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'

const mayRead = ({ context }: Execution, { needed }: Member): boolean =>
  needed.length === 0 || (isObject(context) && hasAll(context, needed))

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/** Also a time, which is the value of a scalar of its own. */
const isScalar = (value: unknown): boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value instanceof Date

const isIterable = (value: unknown): value is Iterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.iterator in value
