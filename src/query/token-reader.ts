import { QueryConditionError } from '../errors.ts'
import type { Position } from './ast.ts'
import { type Token, tokenize, type Whole } from './lexer.ts'

/** The words that cannot be a bare segment of a path. */
export const reservedWords: ReadonlySet<string> = new Set(
  'and as by from group in nin not or order select top where'.split(' '),
)

/**
 * Refuses the text.
 * @throws QueryConditionError, always.
 */
export function fail(message: string, position: Position): never {
  throw new QueryConditionError(message, position.line, position.column)
}

/** Reads the tokens of a text in order, from the first to `end`. */
export type TokenReader = {
  /** The current token, or the one `ahead` places further. */
  peek(ahead?: number): Token
  /** Moves to the next token. */
  skip(): void
  /** The current token in lower case when it is a bare word, otherwise ''. */
  word(): string
  /** The current token when it is a symbol, otherwise ''. */
  symbol(): string
  /** Moves on if the current token is this word; returns whether it is. */
  takeWord(wanted: string): boolean
  takeSymbol(wanted: string): boolean
  expectSymbol(wanted: string): void
  expectEnd(): void
  /** Refuses the current token; `hint` says what would be accepted. */
  unexpected(hint?: string): never
}

/** @throws QueryConditionError when the text cannot be cut into tokens; so do the methods that expect something. */
export function readTokens(text: string, whole: Whole): TokenReader {
  const tokens = tokenize(text, whole)
  const last: Token = { kind: 'end', position: tokens.at(-1)?.position ?? { line: 1, column: 1 } }
  let index = 0

  const peek = (ahead = 0): Token => tokens[index + ahead] ?? last

  const word = (): string => {
    const token = peek()
    return token.kind === 'name' ? token.text.toLowerCase() : ''
  }

  const symbol = (): string => {
    const token = peek()
    return token.kind === 'symbol' ? token.text : ''
  }

  const unexpected = (hint = ''): never => {
    const token = peek()
    const what =
      token.kind === 'end'
        ? `end of ${whole}`
        : reservedWords.has(word())
          ? `keyword ${word().toUpperCase()}`
          : `'${token.text.slice(0, 64)}'`
    return fail(`unexpected ${what}${hint === '' ? '' : `; ${hint}`}`, token.position)
  }

  const take = (found: boolean): boolean => {
    if (found) index++
    return found
  }

  return {
    peek,
    skip: () => {
      index++
    },
    word,
    symbol,
    takeWord: (wanted) => take(word() === wanted),
    takeSymbol: (wanted) => take(symbol() === wanted),
    expectSymbol: (wanted) => {
      if (!take(symbol() === wanted)) unexpected(`expected '${wanted}'`)
    },
    expectEnd: () => {
      if (peek().kind !== 'end') unexpected()
    },
    unexpected,
  }
}
