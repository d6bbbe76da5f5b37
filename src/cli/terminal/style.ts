/** Colours by their meaning. Without colours, each function returns its text unchanged. */
export type Style = Readonly<Record<'good' | 'bad' | 'busy' | 'faint' | 'strong', (text: string) => string>>

const ansiCodes = { good: [32, 39], bad: [31, 39], busy: [33, 39], faint: [2, 22], strong: [1, 22] } as const

const styleBy = (paint: (codes: readonly [number, number]) => (text: string) => string): Style => ({
  good: paint(ansiCodes.good),
  bad: paint(ansiCodes.bad),
  busy: paint(ansiCodes.busy),
  faint: paint(ansiCodes.faint),
  strong: paint(ansiCodes.strong),
})

/** Text without colours. */
export const plain: Style = styleBy(() => (text) => text)

/** Text in the colours of the terminal (ECMA-48, SGR). */
export const coloured: Style = styleBy(
  ([on, off]) =>
    (text) =>
      text === '' ? '' : `\u001b[${on}m${text}\u001b[${off}m`,
)

const escapeCharacter = '\u001b'
/** A code that switches a colour on or off. A text that is split by this pattern has the codes at its odd indexes. */
const sgr = new RegExp(`(${escapeCharacter}\\[\\d+m)`)

/** How many columns the text takes. Each character that the commands print takes one. */
export const widthOf = (text: string): number => [...text.split(sgr).filter(isText).join('')].length

const isText = (part: string): boolean => !part.startsWith(escapeCharacter)

/** The text, cut with an ellipsis when it takes more than `width` columns. The codes that end colours are kept. */
export function clip(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  let room = Math.max(width - 1, 0)
  let cut = ''
  for (const part of text.split(sgr)) {
    if (!isText(part)) {
      cut += part
      continue
    }
    const kept = [...part].slice(0, room)
    room -= kept.length
    cut += kept.join('')
  }
  return width > 0 ? `${cut}…` : cut
}
