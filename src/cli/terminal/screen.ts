import { isDeepStrictEqual } from 'node:util'
import { clip, coloured, plain, type Style } from './style.ts'

/** Where a command writes. */
export type Screen = {
  /** Whether `live` is shown. */
  readonly isLive: boolean
  readonly style: Style
  /** Columns. */
  width(): number
  /** Writes lines that stay. */
  print(...lines: readonly string[]): void
  /** Shows these lines below all others until the next call or print; nothing where nobody watches. */
  live(lines: readonly string[]): void
  /** Takes the live lines away and gives the cursor back. */
  close(): void
}

/** What a screen needs of a stream and of the environment. */
type Output = { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number }
type Environment = Readonly<Record<string, string | undefined>>

const eraseRest = '\u001b[K'
const eraseBelow = '\u001b[J'
const hideCursor = '\u001b[?25l'
const showCursor = '\u001b[?25h'
const defaultColumns = 80

/**
 * A screen on a stream: live where that is a terminal that can move its cursor, plain lines elsewhere. NO_COLOR, when
 * not empty, means no colours (no-color.org).
 */
export function createScreen(output: Output, env: Environment): Screen {
  const isLive = output.isTTY === true && env.TERM !== 'dumb'
  const style = isLive && !env.NO_COLOR ? coloured : plain
  // The last column stays free: terminals differ in whether a full line has wrapped.
  const width = (): number => (output.columns || defaultColumns) - 1
  let shown: readonly string[] = []
  let hidden = false

  const toTop = (): string => (shown.length === 0 ? '' : `\u001b[${shown.length}A\r`)
  const erase = (): string => (shown.length === 0 ? '' : `${toTop()}${eraseBelow}`)
  return {
    isLive,
    style,
    width,
    print(...lines) {
      output.write(`${erase()}${lines.map((line) => `${line}\n`).join('')}`)
      shown = []
    },
    live(lines) {
      if (!isLive) return
      const next = lines.map((line) => clip(line, width()))
      if (isDeepStrictEqual(next, shown)) return
      // Written over, not erased first: nothing flickers.
      const text = next.map((line) => `${line}${eraseRest}\n`).join('')
      output.write(`${hidden ? '' : hideCursor}${toTop()}${text}${eraseBelow}`)
      shown = next
      hidden = true
    },
    close() {
      if (!hidden) return
      output.write(`${erase()}${showCursor}`)
      shown = []
      hidden = false
    },
  }
}
