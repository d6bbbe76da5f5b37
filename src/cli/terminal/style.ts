/** Colours by what they mean here. Without colours all are the text itself. */
export type Style = Readonly<Record<'good' | 'bad' | 'busy' | 'faint' | 'strong', (text: string) => string>>

const CODES = { good: [32, 39], bad: [31, 39], busy: [33, 39], faint: [2, 22], strong: [1, 22] } as const

const styleBy = (paint: (codes: readonly [number, number]) => (text: string) => string): Style => ({
  good: paint(CODES.good),
  bad: paint(CODES.bad),
  busy: paint(CODES.busy),
  faint: paint(CODES.faint),
  strong: paint(CODES.strong),
})

/** Text as it is. */
export const plain: Style = styleBy(() => (text) => text)

/** Text in the colours of the terminal (ECMA-48, SGR). */
export const coloured: Style = styleBy(
  ([on, off]) =>
    (text) =>
      text === '' ? '' : `\u001b[${on}m${text}\u001b[${off}m`,
)

const ESCAPE = '\u001b'
/** A colour switched on or off; split by it, a text has these at the odd places. */
const SGR = new RegExp(`(${ESCAPE}\\[\\d+m)`)

/** How many columns the text takes; of the signs used here each takes one. */
export const widthOf = (text: string): number => [...text.split(SGR).filter(isText).join('')].length

const isText = (part: string): boolean => !part.startsWith(ESCAPE)

/** The text cut to so many columns, with an ellipsis; colours that were begun are ended. */
export function clip(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  let room = Math.max(width - 1, 0)
  let cut = ''
  for (const part of text.split(SGR)) {
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
