import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isObjectType,
  type SelectionNode,
} from 'graphql'

// The columns that a selection needs. A list reads the rows of one level by one statement, with the columns of the
// selected fields and no others. The fields of these types resolve from the row, without a further read.

/** What a field takes from the row of its object. */
class FromRow {
  readonly columns: readonly string[]
  readonly passesRow: boolean
  constructor(columns: readonly string[], passesRow: boolean) {
    this.columns = columns
    this.passesRow = passesRow
  }
}

/**
 * Options of a field that resolves from these columns of the row of its object. A field that exposes a column
 * (`t.expose…`) needs no such declaration.
 */
export const readsColumns = <Row>(...columns: readonly (keyof Row & string)[]) => ({
  extensions: { fromRow: new FromRow(columns, false) },
})

/**
 * Options of a field that passes the row of its object on: the fields of its own type resolve from the same row. It takes
 * these columns itself.
 */
export const passesRow = <Row>(...columns: readonly (keyof Row & string)[]) => ({
  extensions: { fromRow: new FromRow(columns, true) },
})

/** A field selection belongs to one document, whose types and fragments are always the same. */
const known = new WeakMap<FieldNode, Map<string, readonly string[]>>()

/**
 * The columns of the rows of this type that the selection below a field needs, sorted. The rows are those of the first
 * objects of this type on each way down. Directives are ignored: a field that `@skip` leaves out is read.
 */
export function selectedColumns(info: GraphQLResolveInfo, typeName: string): readonly string[] {
  const found = info.fieldNodes.map((node) => columnsBelow(node, info, typeName))
  const [first = []] = found
  return found.length < 2 ? first : [...new Set(found.flat())].sort()
}

function columnsBelow(node: FieldNode, info: GraphQLResolveInfo, typeName: string): readonly string[] {
  const ofNode = known.get(node) ?? new Map<string, readonly string[]>()
  known.set(node, ofNode)
  const columns = ofNode.get(typeName) ?? collectColumns(node, info, typeName)
  ofNode.set(typeName, columns)
  return columns
}

/** An object type, and whether its fields resolve from the row. */
type Place = { readonly typeName: string; readonly isRow: boolean }

function collectColumns(node: FieldNode, info: GraphQLResolveInfo, rowType: string): readonly string[] {
  const { schema, fragments } = info
  const columns = new Set<string>()
  /** Spread fragments by the place in which they were followed. */
  const followed = new Set<string>()

  const follow = ({ typeName, isRow }: Place, selections: readonly SelectionNode[] | undefined): void => {
    for (const selection of selections ?? []) {
      if (selection.kind === 'Field') {
        const field = fieldOf(schema, typeName, selection.name.value)
        if (field !== undefined) enter({ typeName, isRow }, field, selection)
        continue
      }
      const fragment = selection.kind === 'InlineFragment' ? selection : spread(fragments, selection.name.value)
      if (fragment === undefined || !applies(schema, fragment.typeCondition?.name.value, typeName)) continue
      if (selection.kind === 'FragmentSpread') {
        const key = `${selection.name.value} ${typeName} ${isRow}`
        if (followed.has(key)) continue
        followed.add(key)
      }
      follow({ typeName, isRow }, fragment.selectionSet.selections)
    }
  }
  const enter = (place: Place, field: GraphQLField<unknown, unknown>, selection: FieldNode): void => {
    const from = fromRow(field)
    if (place.isRow) for (const column of from.columns) columns.add(column)
    if (place.isRow && !from.passesRow) return
    const type = getNamedType(field.type)
    if (isObjectType(type)) {
      follow({ typeName: type.name, isRow: place.isRow || type.name === rowType }, selection.selectionSet?.selections)
    }
  }

  const type = getNamedType(info.returnType)
  // Of an interface or union only the objects of the wanted type have the row.
  const typeName = isObjectType(type) ? type.name : rowType
  follow({ typeName, isRow: typeName === rowType }, node.selectionSet?.selections)
  return [...columns].sort()
}

function fieldOf(schema: GraphQLSchema, typeName: string, name: string): GraphQLField<unknown, unknown> | undefined {
  const type = schema.getType(typeName)
  return isObjectType(type) ? type.getFields()[name] : undefined
}

const spread = (
  fragments: Readonly<Record<string, FragmentDefinitionNode>>,
  name: string,
): FragmentDefinitionNode | undefined => fragments[name]

function applies(schema: GraphQLSchema, condition: string | undefined, typeName: string): boolean {
  if (condition === undefined || condition === typeName) return true
  const [wanted, type] = [schema.getType(condition), schema.getType(typeName)]
  return isAbstractType(wanted) && isObjectType(type) && schema.isSubType(wanted, type)
}

/** Pothos keeps the name of an exposed member under `pothosExposedField`. */
function fromRow({ extensions }: GraphQLField<unknown, unknown>): FromRow {
  const { fromRow: declared, pothosExposedField: exposed } = extensions
  if (declared instanceof FromRow) return declared
  return new FromRow(typeof exposed === 'string' ? [exposed] : [], false)
}
