/** Whether something is fine, will need attention, or keeps the hub from working. */
export type Verdict = 'ok' | 'warning' | 'problem'

/** The result of one check. */
export type Finding = {
  /** What was checked, such as `disk`. */
  readonly check: string
  readonly verdict: Verdict
  /** What was found. */
  readonly finding: string
  /** What to do; undefined when it is fine. */
  readonly advice?: string
}

export const ok = (check: string, finding: string): Finding => ({ check, verdict: 'ok', finding })

export const warning = (check: string, finding: string, advice: string): Finding => ({
  check,
  verdict: 'warning',
  finding,
  advice,
})

export const problem = (check: string, finding: string, advice: string): Finding => ({
  check,
  verdict: 'problem',
  finding,
  advice,
})

/** The text of an error, with its causes. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const first = error instanceof AggregateError ? error.errors[0] : error.cause
  return [error.message, ...(first === undefined ? [] : [reasonOf(first)])].filter((text) => text !== '').join(' ')
}
