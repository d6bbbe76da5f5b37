import { StreamLanguage } from '@codemirror/language'
import { type Token, tokenAt } from './tokens.ts'

/** The highlighting tag of each kind of token. */
const tags: { readonly [kind in Token['kind']]: string | null } = {
  path: 'variableName',
  keyword: 'operatorKeyword',
  constant: 'bool',
  function: 'keyword',
  number: 'number',
  string: 'string',
  operator: null,
  bracket: null,
  comma: null,
  comment: 'comment',
  unknown: 'invalid',
}

type State = { readonly rest: 'string' | 'comment' | undefined; readonly mark: string }

/** The language of conditions, for highlighting. Strings and comments may span lines. */
export const conditionLanguage = StreamLanguage.define<{ current: State }>({
  name: 'condition',
  startState: () => ({ current: { rest: undefined, mark: '' } }),
  copyState: ({ current }) => ({ current }),
  token(stream, state) {
    const { rest, mark } = state.current
    if (rest === undefined && stream.eatSpace()) return null
    // A token that began on a line above is read as if it began here.
    const begun = rest === 'comment' ? '/*' : mark
    const from = rest === undefined ? stream.pos : 0
    const text = rest === undefined ? stream.string : begun + stream.string.slice(stream.pos)
    const token = tokenAt(text, from)
    if (token === undefined) {
      stream.skipToEnd()
      return null
    }
    stream.pos = rest === undefined ? token.to : stream.pos + token.to - begun.length
    const goesOn = token.isOpen && (token.kind === 'string' || token.kind === 'comment') ? token.kind : undefined
    state.current = { rest: goesOn, mark: goesOn === 'string' ? token.text.charAt(0) : '' }
    return tags[token.kind]
  },
  languageData: { commentTokens: { block: { open: '/*', close: '*/' } } },
})
