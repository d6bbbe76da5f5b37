import { type Operation, operations } from './operations.ts'

/** Operations that differ in their last field only, as one operation. */
export type Together = {
  readonly text: string
  /** The alias of each last field. */
  readonly aliases: ReadonlyMap<string, string>
}

/** As many aliases as the hub accepts in one operation. */
const most = 30

/**
 * The operation in which others are together with it. Those that need other rights are not among them, because a field that is
 * refused may hide what is next to it. A subscription has one field at its root, and is alone.
 */
export const togetherWith: ReadonlyMap<Operation, Together> = new Map(groups().flatMap(combine))

function groups(): Operation[][] {
  const byFrame = new Map<string, Operation[]>()
  for (const operation of operations) {
    if (operation.kind === 'subscription') continue
    const key = JSON.stringify([operation.frame, operation.needs])
    byFrame.set(key, [...(byFrame.get(key) ?? []), operation])
  }
  return [...byFrame.values()].flatMap((all) =>
    Array.from({ length: Math.ceil(all.length / most) }, (_, index) => all.slice(index * most, (index + 1) * most)),
  )
}

function combine(group: readonly Operation[]): [Operation, Together][] {
  const [first] = group
  const selections = [...new Set(group.map(({ selection }) => selection))]
  if (first === undefined || selections.length === 1) return []
  const aliases = new Map(selections.map((selection, index) => [selection, `part${index}`]))
  const body = [...aliases].map(([selection, alias]) => `${alias}: ${selection}`).join(' ')
  const text = first.frame.replace('<selections>', () => body)
  return group.map((operation) => [operation, { text, aliases }])
}
