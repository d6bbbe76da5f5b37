/** What may come next in a JSON text. */
type Expected = 'value' | 'first element' | 'first key' | 'key' | 'colon' | 'separator'

/** A string, another value without parts, or a mark of structure. */
const token =
  /("(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})|[^"\\\p{Cc}]|\x7f|[\x80-\x9f])*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.])|([{}[\],:])/uy
const blanks = /[ \t\r\n]*/y

/** Signs of the text before a fault that are quoted with it. */
const mostQuoted = 32

/**
 * Why a text is not JSON, with the place: `expected a value after "site": (line 1)`. Undefined if it is JSON. Browsers
 * differ in what they say, and some name no place.
 */
export function jsonFault(text: string): string | undefined {
  const open: string[] = []
  let expected: Expected = 'value'
  let before = ''
  let at = 0
  for (;;) {
    blanks.lastIndex = at
    at += blanks.exec(text)?.[0].length ?? 0
    token.lastIndex = at
    const [piece = '', string, scalar, mark] = token.exec(text) ?? []
    const next = follow(expected, open, { isString: string !== undefined, isScalar: scalar !== undefined, mark })
    if (next === undefined) {
      if (at === text.length && expected === 'separator' && open.length === 0) return undefined
      const what =
        piece === '' && text[at] === '"' ? 'unclosed or invalid string' : `expected ${nameOf(expected, open)}`
      const end = text.slice(0, at).trimEnd()
      const line = (at === text.length ? end : text.slice(0, at)).split('\n').length
      return `${what}${before === '' ? '' : ` after ${shorten(before)}`} (line ${line})`
    }
    before = mark === ':' ? `${before}:` : piece
    expected = next
    at += piece.length
  }
}

/** What may come after a piece; undefined if the piece itself may not come. `open`: the brackets around, kept up to date. */
function follow(
  expected: Expected,
  open: string[],
  {
    isString,
    isScalar,
    mark,
  }: { readonly isString: boolean; readonly isScalar: boolean; readonly mark?: string | undefined },
): Expected | undefined {
  switch (expected) {
    case 'value':
    case 'first element':
      if (isString || isScalar) return 'separator'
      if (mark === ']' && expected === 'first element') return close(open)
      if (mark !== '{' && mark !== '[') return undefined
      open.push(mark)
      return mark === '{' ? 'first key' : 'first element'
    case 'first key':
    case 'key':
      if (isString) return 'colon'
      return mark === '}' && expected === 'first key' ? close(open) : undefined
    case 'colon':
      return mark === ':' ? 'value' : undefined
    case 'separator': {
      const bracket = open.at(-1)
      if (bracket === undefined) return undefined
      if (mark === ',') return bracket === '{' ? 'key' : 'value'
      return mark === (bracket === '{' ? '}' : ']') ? close(open) : undefined
    }
  }
}

function close(open: string[]): Expected {
  open.pop()
  return 'separator'
}

function nameOf(expected: Expected, open: readonly string[]): string {
  switch (expected) {
    case 'value':
      return 'a value'
    case 'first element':
      return 'a value or ]'
    case 'first key':
      return 'a key in double quotes or }'
    case 'key':
      return 'a key in double quotes'
    case 'colon':
      return 'a colon'
    case 'separator':
      if (open.length === 0) return 'no more text'
      return open.at(-1) === '{' ? 'a comma or }' : 'a comma or ]'
  }
}

function shorten(text: string): string {
  return text.length > mostQuoted ? `…${text.slice(1 - mostQuoted)}` : text
}
