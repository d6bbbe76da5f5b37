/** What is allowed next in a JSON text. */
type Expected = 'value' | 'first element' | 'first key' | 'key' | 'colon' | 'separator'

/** Matches a string, another primitive value, or a structural character. */
const token =
  /("(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})|[^"\\\p{Cc}]|\x7f|[\x80-\x9f])*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.])|([{}[\],:])/uy
const blanks = /[ \t\r\n]*/y

/** How many characters before a fault are quoted with it. */
const mostQuoted = 32

/**
 * Why a text is not JSON, with the position: `expected a value after "site": (line 1)`. Undefined if the text is JSON.
 * The errors of JSON.parse differ between browsers, and some have no position.
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

/**
 * What is allowed after a token; undefined if the token itself is not allowed. `open` are the brackets around it, which
 * are updated.
 */
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
