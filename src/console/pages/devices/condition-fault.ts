/** Where the hub stumbled over a condition, as it says it: line and column count from 1, in UTF-16 code units. */
export type ConditionFault = { readonly message: string; readonly line: number; readonly column: number }

/** What of a failed request says so; undefined when the condition is not why it failed. */
export function faultOf(
  error: { readonly graphQLErrors: readonly { readonly message: string; readonly extensions: object }[] } | undefined,
): ConditionFault | undefined {
  for (const { message, extensions } of error?.graphQLErrors ?? []) {
    if (!('code' in extensions) || extensions.code !== 'QUERY_CONDITION') continue
    const line = 'line' in extensions ? Number(extensions.line) : 1
    const column = 'column' in extensions ? Number(extensions.column) : 1
    // The place stands beside it: that of what was typed, which may be a part of what was sent.
    return { message: message.replace(/ \(line \d+, column \d+\)$/, ''), line, column }
  }
  return undefined
}
