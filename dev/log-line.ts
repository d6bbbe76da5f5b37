const levels: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'WARN',
  50: 'ERROR',
  60: 'FATAL',
}

/** A line of the hub's log as people read it: time, level, message, and the rest as it was written. */
export function logLine(line: string): { readonly text: string; readonly isReady: boolean } {
  const entry = parse(line)
  if (entry === undefined) return { text: line, isReady: false }
  const { level, time, msg, err, ...rest } = entry
  const stack = isError(err) ? `\n${err.stack ?? err.message}` : ''
  const fields = Object.keys(rest).length === 0 ? '' : ` ${JSON.stringify(rest)}`
  const clock = String(time).slice(11, 19)
  return { text: `${clock} ${levels[Number(level)] ?? level} ${msg}${fields}${stack}`, isReady: msg === 'ready' }
}

function parse(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

const isError = (err: unknown): err is { readonly message: string; readonly stack?: string } =>
  typeof err === 'object' && err !== null && 'message' in err
