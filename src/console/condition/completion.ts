import { type KnownPath, type Option, optionsAt, type Place, stringsAt } from './completion-options.ts'
import { type Token, tokensOf } from './tokens.ts'

/** Suggestions that replace the text from `from` to `to`. */
export type Completions = { readonly from: number; readonly to: number; readonly options: readonly Option[] }

/**
 * The suggestions for a position in a condition: paths, operators, and values that devices have. `isAsked`: the user
 * pressed the key for completion. Otherwise nothing is suggested where suggestions would get in the way.
 */
export function completionsAt(
  text: string,
  position: number,
  known: readonly KnownPath[],
  isAsked: boolean,
): Completions | undefined {
  const tokens = tokensOf(text.slice(0, position))
  const last = tokens.at(-1)
  const isTouching = last !== undefined && last.to === position
  if (last?.kind === 'comment' && last.isOpen) return undefined
  if (isTouching && last.kind === 'string' && !last.isOpen) return undefined
  const typed = isTouching && isWord(last) ? last : undefined
  if (typed === undefined && last?.kind === 'number' && isTouching) return undefined

  const before = (typed === undefined ? tokens : tokens.slice(0, -1)).filter(({ kind }) => kind !== 'comment')
  const place = placeOf(before)
  const from = typed?.from ?? position
  const isString = typed?.kind === 'string'
  const to = position + (isString ? restOfString(text.slice(position), typed.text.charAt(0)) : 0)
  const options = isString
    ? stringsAt(place, known, typed.text.charAt(0))
    : optionsAt(place, known, typed !== undefined)
  // In a condition without any token, the list of all paths opens only on request.
  const isWelcome = isAsked || typed !== undefined || place.is !== 'operand' || tokens.length > 0
  return options.length > 0 && isWelcome ? { from, to, options } : undefined
}

/** Whether text that is typed at the end of this token continues it. */
function isWord({ kind, isOpen }: Token): boolean {
  return kind === 'path' || kind === 'keyword' || kind === 'constant' || (kind === 'string' && isOpen)
}

function placeOf(before: readonly Token[]): Place {
  const last = before.at(-1)
  const previous = before.at(-2)
  switch (last?.kind) {
    case undefined:
      return { is: 'operand' }
    case 'path':
      return isCompared(before) ? { is: 'junction' } : { is: 'operator', path: last.text }
    case 'number':
    case 'constant':
    case 'string':
      return enclosing(before)?.opening.text === '[' ? { is: 'nothing' } : { is: 'junction' }
    case 'keyword':
      return isIn(last) ? { is: 'array' } : { is: 'operand' }
    case 'operator':
      if (last.text === '*' && previous === undefined) return { is: 'nothing' }
      return previous?.kind === 'path' && isComparison(last) ? { is: 'value', path: previous.text } : { is: 'operand' }
    case 'bracket':
      if (last.text === ')' || last.text === ']') return { is: 'junction' }
      return last.text === '[' ? elementOf(before) : { is: 'operand' }
    case 'comma':
      return elementOf(before)
    default:
      return { is: 'nothing' }
  }
}

/** The position inside brackets: an element of `tags.site IN [`, or the second argument of `STARTSWITH(tags.site,`. */
function elementOf(before: readonly Token[]): Place {
  const around = enclosing(before)
  if (around === undefined) return { is: 'nothing' }
  const [beforeThat, directly] = [before[around.index - 2], before[around.index - 1]]
  if (around.opening.text === '[') {
    return directly !== undefined && isIn(directly) && beforeThat?.kind === 'path'
      ? { is: 'value', path: beforeThat.text }
      : { is: 'nothing' }
  }
  const first = before[around.index + 1]
  return directly?.kind === 'function' && first?.kind === 'path' ? { is: 'value', path: first.text } : { is: 'operand' }
}

/** The innermost bracket that is still open at the end. */
function enclosing(before: readonly Token[]): { readonly opening: Token; readonly index: number } | undefined {
  let closed = 0
  for (let index = before.length - 1; index >= 0; index--) {
    const token = before[index]
    if (token?.kind !== 'bracket') continue
    if (token.text === ')' || token.text === ']') closed++
    else if (closed-- === 0) return { opening: token, index }
  }
  return undefined
}

/** Whether a comparison is complete at the end: `tags.a = tags.b`. */
function isCompared(before: readonly Token[]): boolean {
  const previous = before.at(-2)
  return previous !== undefined && previous.kind === 'operator' && isComparison(previous)
}

const isComparison = ({ text }: Token): boolean => /^(?:[<>=]|[<>!]=|<>)$/.test(text)
const isIn = ({ text }: Token): boolean => /^n?in$/i.test(text)

/**
 * How much of the following text belongs to the string around the position: the rest of the word, and the closing
 * quote.
 */
function restOfString(after: string, mark: string): number {
  const [rest = ''] = /^[^\s'"\\)\],]*/.exec(after) ?? []
  return after.charAt(rest.length) === mark ? rest.length + 1 : 0
}
