import { endsInWord, tokensOf } from './tokens.ts'

/** A fault that the hub found in a condition. Line and column count from 1, in UTF-16 code units. */
export type ConditionFault = { readonly message: string; readonly line: number; readonly column: number }

/** The fault in the errors of a failed request; undefined when the request failed for another reason. */
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

/**
 * The same fault without the position in its message. The position is shown separately, because the message counts from
 * the beginning of the whole condition that was sent.
 */
export function faultFrom({ message, line, column }: ConditionFault): ConditionFault {
  return { message: message.replace(/ \(line \d+, column \d+\)$/, ''), line, column }
}

/** A fault as a text with its position: `Column 11: unexpected '?'`. The line is named if the condition has several. */
export function describeFault({ message, line, column }: ConditionFault, text: string): string {
  return `${text.includes('\n') ? `Line ${line}, column` : 'Column'} ${column}: ${message}`
}

/**
 * The offset in a text of a line and column from the hub (both from 1, in UTF-16 code units). Never outside the text.
 */
export function offsetOf(text: string, { line, column }: { readonly line: number; readonly column: number }): number {
  const lines = text.split('\n')
  const above = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0)
  return Math.max(0, Math.min(text.length, above + column - 1))
}

/**
 * Whether a text may only be incomplete: its fault is at the end, or in a word, a string or a comment that reaches the
 * end.
 */
export function isAtEnd(text: string, fault: ConditionFault): boolean {
  const offset = offsetOf(text, fault)
  const last = tokensOf(text).at(-1)
  if (last === undefined || offset >= last.to) return true
  return offset >= last.from && (last.isOpen || endsInWord(text))
}

/**
 * The character to underline for a position: the one at the position, or the last visible one before it if that one is
 * not visible, as at the end. Undefined in a text without visible characters.
 */
export function characterAt(text: string, offset: number): { readonly from: number; readonly to: number } | undefined {
  const seen = /\S/.test(text.charAt(offset)) ? offset : text.slice(0, offset).trimEnd().length - 1
  if (seen < 0) return undefined
  return { from: seen, to: seen + String.fromCodePoint(text.codePointAt(seen) ?? 0).length }
}
