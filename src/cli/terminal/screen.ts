import { isDeepStrictEqual } from 'node:util'
import { clip, coloured, plain, type Style } from './style.ts'

/** The output of a command. */
export type Screen = {
  /** Whether `live` shows anything. */
  readonly isLive: boolean
  readonly style: Style
  /** The number of columns that a line may take. */
  width(): number
  /** Writes permanent lines. */
  print(...lines: readonly string[]): void
  /**
   * Shows temporary lines below all others, until the next `live` or `print`. Does nothing when the output is not a
   * terminal.
   */
  live(lines: readonly string[]): void
  /** Removes the temporary lines and shows the cursor again. */
  close(): void
}

/** The members of a stream, and the environment, that a screen needs. */
type Output = { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number }
type Environment = Readonly<Record<string, string | undefined>>

const eraseRest = '\u001b[K'
const eraseBelow = '\u001b[J'
const hideCursor = '\u001b[?25l'
const showCursor = '\u001b[?25h'
const defaultColumns = 80

/**
 * Creates a screen on a stream. Temporary lines are shown on a terminal that can move its cursor; other outputs get
 * only permanent lines. A non-empty NO_COLOR turns colours off (no-color.org).
 */
export function createScreen(output: Output, env: Environment): Screen {
  const isLive = output.isTTY === true && env.TERM !== 'dumb'
  const style = isLive && !env.NO_COLOR ? coloured : plain
  // The last column stays free, because terminals differ in whether a full line wraps.
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
      // The old lines are overwritten and not erased first, so that nothing flickers.
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
