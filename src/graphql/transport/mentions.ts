import type { GraphQLResolveInfo, SelectionSetNode } from 'graphql'

/** Whether a field of this name is asked for anywhere below the field that is being resolved, if under conditions. */
export function mentions({ fieldNodes, fragments }: GraphQLResolveInfo, name: string): boolean {
  const seen = new Set<string>()
  const inSelections = (selectionSet: SelectionSetNode | undefined): boolean =>
    selectionSet?.selections.some((selection) => {
      if (selection.kind !== 'FragmentSpread') {
        return (selection.kind === 'Field' && selection.name.value === name) || inSelections(selection.selectionSet)
      }
      const fragment = selection.name.value
      if (seen.has(fragment)) return false
      seen.add(fragment)
      return inSelections(fragments[fragment]?.selectionSet)
    }) ?? false
  return fieldNodes.some(({ selectionSet }) => inSelections(selectionSet))
}
