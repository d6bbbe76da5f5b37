/** A node of a plan, as PostgreSQL's EXPLAIN (FORMAT JSON) gives it. */
export type PlanNode = {
  readonly 'Node Type': string
  readonly 'Join Type'?: string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly Plans?: readonly PlanNode[]
}

/** The plan in one line, without what differs from run to run: `Hash Join(Seq Scan device, Bitmap Heap Scan twin(…))`. */
export function shapeOf(node: PlanNode): string {
  const { 'Node Type': type, 'Join Type': join, 'Index Name': index, 'Relation Name': relation, Plans: inner } = node
  // An inner join is the rule; what an index scan reads is known by its index.
  const words = [join === 'Inner' ? undefined : join, type, index ?? relation]
  const name = words.filter((word) => word !== undefined).join(' ')
  return inner === undefined || inner.length === 0 ? name : `${name}(${inner.map(shapeOf).join(', ')})`
}
