import type { GraphQLResolveInfo, SelectionSetNode } from 'graphql'

/** Whether a field with this name is selected anywhere below the resolved field, even if a directive may skip it. */
export function selectsField({ fieldNodes, fragments }: GraphQLResolveInfo, name: string): boolean {
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
