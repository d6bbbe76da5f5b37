/** How much one JSON text may hold: bytes, members of objects and items of arrays, objects and arrays in one another. */
export type JsonBudget = { readonly bytes: number; readonly members: number; readonly depth: number }

const quote = 0x22
const comma = 0x2c
const backslash = 0x5c
const spaceByte = 0x20
const openArray = 0x5b
const closeArray = 0x5d
const openObject = 0x7b
const closeObject = 0x7d

/**
 * What of the budget a JSON text is over, or undefined. One pass that makes nothing, uses no stack and stops where the
 * budget ends, so it can stand before every parser and walker. It does not say whether the text is JSON: of a text that
 * is not, the answer means nothing, and the parser refuses it.
 */
export function overBudget(text: Uint8Array, budget: JsonBudget): keyof JsonBudget | undefined {
  const { length } = text
  if (length > budget.bytes) return 'bytes'
  // Each member and each level takes a byte at least.
  if (length <= budget.members && length <= budget.depth) return undefined
  let members = 0
  let depth = 0
  let opened = false
  for (let at = 0; at < length; at++) {
    const sign = text[at]
    // White space. All other signs that structure a text lie above it.
    if (sign === undefined || sign <= spaceByte) continue
    if (sign === closeArray || sign === closeObject) {
      depth--
      opened = false
      continue
    }
    if (opened || sign === comma) {
      members++
      if (members > budget.members) return 'members'
      opened = false
    }
    if (sign === quote) {
      at++
      while (at < length && text[at] !== quote) at += text[at] === backslash ? 2 : 1
    } else if (sign === openArray || sign === openObject) {
      depth++
      if (depth > budget.depth) return 'depth'
      opened = true
    }
  }
  return undefined
}
