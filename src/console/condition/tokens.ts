/** A token of a condition, which may still be incomplete. */
export type Token = {
  readonly kind:
    | 'path'
    /** AND, OR, NOT, IN, NIN and similar words. */
    | 'keyword'
    /** true, false, null, undefined. */
    | 'constant'
    /** A name followed by a parenthesis. */
    | 'function'
    | 'number'
    | 'string'
    | 'operator'
    | 'bracket'
    | 'comma'
    | 'comment'
    /** Text that is not a token of the language. */
    | 'unknown'
  readonly text: string
  readonly from: number
  readonly to: number
  /** Whether the end of the token is missing: a quote, the brackets of a segment, or the end of a comment. */
  readonly isOpen: boolean
}

const keywords = /^(?:and|or|not|in|nin|from|where|select|top|group|order|by|as)$/i
const constants = /^(?:true|false|null|undefined)$/i

const segment = String.raw`(?:[\p{L}_$][\p{L}\p{M}\p{N}_$]*(?:-[\p{L}\p{M}\p{N}_$]+)*|\[\[(?:(?!\]\])[\s\S])*\]\])`

/** The patterns in the order in which they are tried. Each takes time linear in the text. */
const pieces: readonly { readonly kind: Token['kind']; readonly pattern: RegExp }[] = [
  { kind: 'comment', pattern: /\/\*(?:(?!\*\/)[\s\S])*(?:\*\/)?/uy },
  { kind: 'string', pattern: /'(?:\\[\s\S]|[^'\\])*'?|"(?:\\[\s\S]|[^"\\])*"?/uy },
  // A dot at the end belongs to the path, because the user is still typing. So does a segment in brackets without its
  // end.
  { kind: 'path', pattern: new RegExp(String.raw`${segment}(?:\.${segment})*(?:\.?\[\[[^\]]*|\.)?|\[\[[^\]]*`, 'uy') },
  { kind: 'number', pattern: /0x[\da-f]*|(?:\d+(?:\.\d+)?|\.\d+)(?:e[+-]?\d+)?/iuy },
  { kind: 'operator', pattern: /<=|>=|<>|!=|[-+*/%=<>]/uy },
  { kind: 'bracket', pattern: /[()[\]]/uy },
  { kind: 'comma', pattern: /,/uy },
  { kind: 'unknown', pattern: /\S/uy },
]

/** Splits a condition into tokens, without whitespace. Accepts any text. */
export function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = []
  let from = 0
  for (;;) {
    while (/\s/.test(text.charAt(from))) from++
    const token = tokenAt(text, from)
    if (token === undefined) return tokens
    tokens.push(token)
    from = token.to
  }
}

/** Whether the text ends with a word, which the user may still be typing: `tags.b`, `tags.a = 1 AN`. */
export function endsInWord(text: string): boolean {
  const last = tokensOf(text).at(-1)
  return last !== undefined && last.to === text.length && (last.kind === 'path' || last.kind === 'keyword')
}

/** The token that begins at the position; undefined at the end and at whitespace. */
export function tokenAt(text: string, from: number): Token | undefined {
  for (const { kind, pattern } of pieces) {
    pattern.lastIndex = from
    const piece = pattern.exec(text)?.[0]
    if (piece === undefined) continue
    const to = from + piece.length
    return { kind: kindOf(kind, piece, text.slice(to)), text: piece, from, to, isOpen: isOpen(kind, piece) }
  }
  return undefined
}

function kindOf(kind: Token['kind'], piece: string, rest: string): Token['kind'] {
  if (kind !== 'path') return kind
  if (keywords.test(piece)) return 'keyword'
  if (constants.test(piece)) return 'constant'
  return /^\s*\(/.test(rest) ? 'function' : 'path'
}

function isOpen(kind: Token['kind'], piece: string): boolean {
  switch (kind) {
    case 'string':
      return !/^(?:'(?:\\[\s\S]|[^'\\])*'|"(?:\\[\s\S]|[^"\\])*")$/u.test(piece)
    case 'comment':
      return piece.length < 4 || !piece.endsWith('*/')
    case 'path':
      return piece.lastIndexOf('[[') > piece.lastIndexOf(']]')
    default:
      return false
  }
}
