const lineFeed = 0x0a
const carriageReturn = 0x0d
const quote = 0x22
const hash = 0x23
const backslash = 0x5c

/**
 * A document with spaces in place of its comments, so that everything else keeps its line and column. The parser keeps a
 * token of each comment for as long as the document is cached, and the limit of tokens does not count them.
 */
export function blankComments(text: string): string {
  if (!text.includes('#')) return text
  const pieces: string[] = []
  let from = 0
  let at = 0
  while (at < text.length) {
    const sign = text.charCodeAt(at)
    if (sign === quote) at = endOfString(text, at)
    else if (sign !== hash) at++
    else {
      const end = endOfLine(text, at)
      pieces.push(text.slice(from, at), ' '.repeat(end - at))
      from = at = end
    }
  }
  pieces.push(text.slice(from))
  return pieces.join('')
}

function endOfLine(text: string, from: number): number {
  let at = from
  while (at < text.length && !isLineEnd(text.charCodeAt(at))) at++
  return at
}

/** Where a string that begins here ends. The parser refuses one without an end, wherever it is said to end here. */
function endOfString(text: string, begin: number): number {
  if (text.startsWith('"""', begin)) return endOfBlockString(text, begin + 3)
  let at = begin + 1
  while (at < text.length) {
    const sign = text.charCodeAt(at)
    if (isLineEnd(sign)) return at
    if (sign === quote) return at + 1
    at += sign === backslash ? 2 : 1
  }
  return at
}

function endOfBlockString(text: string, from: number): number {
  for (let at = from; ; at += 3) {
    at = text.indexOf('"""', at)
    if (at === -1) return text.length
    if (text[at - 1] !== '\\') return at + 3
  }
}

const isLineEnd = (sign: number): boolean => sign === lineFeed || sign === carriageReturn
