/** Where the hub found a condition to be wrong: line and column count from 1, in UTF-16 code units. */
export type ConditionFault = { readonly message: string; readonly line: number; readonly column: number }

/** What of a failed request says so; undefined when the condition is not why it failed. */
export function faultOf(
  error: { readonly graphQLErrors: readonly { readonly message: string; readonly extensions: object }[] } | undefined,
): ConditionFault | undefined {
  for (const { message, extensions } of error?.graphQLErrors ?? []) {
    if (!('code' in extensions) || extensions.code !== 'QUERY_CONDITION') continue
    const line = 'line' in extensions ? Number(extensions.line) : 1
    const column = 'column' in extensions ? Number(extensions.column) : 1
    return faultFrom({ message, line, column })
  }
  return undefined
}

/** The same without the place in its message: the place is shown next to it, and may refer to a part of what was sent. */
export function faultFrom({ message, line, column }: ConditionFault): ConditionFault {
  return { message: message.replace(/ \(line \d+, column \d+\)$/, ''), line, column }
}

/** A fault in words, with its place once: `Column 11: unexpected '?'`. The line is named where there are several. */
export function describeFault({ message, line, column }: ConditionFault, text: string): string {
  return `${text.includes('\n') ? `Line ${line}, column` : 'Column'} ${column}: ${message}`
}

/** Where a place in a text lies that the hub gave as line and column, both from 1, in UTF-16 code units. Never outside. */
export function offsetOf(text: string, { line, column }: { readonly line: number; readonly column: number }): number {
  const lines = text.split('\n')
  const above = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0)
  return Math.max(0, Math.min(text.length, above + column - 1))
}

/**
 * The character to put a line under for a place: the one there, or where none can be seen, as at the end, the last one
 * before it. Undefined in a text without any.
 */
export function characterAt(text: string, offset: number): { readonly from: number; readonly to: number } | undefined {
  const seen = /\S/.test(text.charAt(offset)) ? offset : text.slice(0, offset).trimEnd().length - 1
  if (seen < 0) return undefined
  return { from: seen, to: seen + String.fromCodePoint(text.codePointAt(seen) ?? 0).length }
}
