/** The maximum content of one JSON text: bytes, members of objects and items of arrays, nested objects and arrays. */
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
 * The part of the budget that a JSON text exceeds, or undefined. One pass without allocations and recursion that stops
 * where the budget ends, so it can precede every parser and walker. It does not check whether the text is JSON: for
 * other text the result means nothing, and the parser refuses it.
 */
export function overBudget(text: Uint8Array, budget: JsonBudget): keyof JsonBudget | undefined {
  const { length } = text
  if (length > budget.bytes) return 'bytes'
  // Each member and each level takes at least one byte.
  if (length <= budget.members && length <= budget.depth) return undefined
  let members = 0
  let depth = 0
  let opened = false
  for (let at = 0; at < length; at++) {
    const sign = text[at]
    // White space. All other characters that structure a text are above it.
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
