import type { JobNowFragment } from '../generated/console/graphql.ts'
import { formatCount, formatDevices, formatDuration } from './format.ts'

type CountingRule = NonNullable<JobNowFragment['rollout']>['abort'][number]

/** What a rule counts: one of these. */
type Counted = {
  readonly on?: CountingRule['on'] | null | undefined
  readonly errorCode?: string | null | undefined
  readonly responseStatus?: number | null | undefined
}

type Window = {
  readonly days?: readonly string[] | null | undefined
  readonly from: string
  readonly to: string
  readonly timeZone?: string | null | undefined
  readonly timeZoneFrom?: string | null | undefined
}

/** `Only from 22:00 to 06:00 on Sat, Sun (Europe/Berlin)`, `Only from 02:00 to 04:00 (tags.timeZone, otherwise UTC)` */
export function describeWindow({ days, from, to, timeZone, timeZoneFrom }: Window): string {
  const on =
    days == null || days.length === 0 || days.length === 7
      ? ''
      : ` on ${days.map((day) => `${day.charAt(0)}${day.slice(1, 3).toLowerCase()}`).join(', ')}`
  const zone =
    timeZoneFrom == null ? timeZone : timeZone == null ? timeZoneFrom : `${timeZoneFrom}, otherwise ${timeZone}`
  return `Only from ${from} to ${to}${on} (${zone})`
}

type Retry = {
  readonly maxAttempts: number
  readonly on: readonly string[]
  readonly backoffSeconds?: number | null | undefined
  readonly factor?: number | null | undefined
  readonly maxBackoffSeconds?: number | null | undefined
}

/** `Up to 3 attempts when a call ends with GatewayTimeout or 503, 10 s apart at first, then 2 times as long each time, up to 1 h` */
const describeRetry = ({ maxAttempts, on, ...waits }: Retry): string =>
  `Up to ${maxAttempts} attempts when a call ends with ${on.join(' or ')}${describeWaits(maxAttempts, waits)}`

/** Empty without the first wait: the hub chooses it. */
function describeWaits(
  maxAttempts: number,
  { backoffSeconds: first, factor, maxBackoffSeconds: longest }: Omit<Retry, 'maxAttempts' | 'on'>,
): string {
  if (first == null) return ''
  if (first === 0) return ', without a wait'
  const apart = `, ${formatDuration(first)} apart`
  if (maxAttempts === 2 || factor == null || factor === 1) return apart
  const most = longest == null ? '' : `, up to ${formatDuration(longest)}`
  return `${apart} at first, then ${factor} times as long each time${most}`
}

type Ramp = {
  readonly from: number
  readonly factor?: number | null | undefined
  readonly afterSucceeded: number
  /** Of a job, not of a request: the rate that it has reached, and the next one. */
  readonly perMinute?: number | undefined
  readonly nextStep?: { readonly perMinute: number; readonly afterSucceeded: number } | null | undefined
}

/** `Starts at 10 per minute, times 2 after each 50 devices that succeed`, `Now 40 per minute, 80 when 12 more devices succeed` */
function describeRamp({ from, factor, afterSucceeded, perMinute, nextStep }: Ramp): readonly string[] {
  const each = afterSucceeded === 1 ? 'device that succeeds' : `${formatCount(afterSucceeded)} devices that succeed`
  const ramp = `Starts at ${formatCount(from)} per minute, times ${factor ?? 2} after each ${each}`
  if (perMinute === undefined) return [ramp]
  const next = nextStep == null ? 'the maximum' : describeStep(nextStep)
  return [ramp, `Now ${formatCount(perMinute)} per minute, ${next}`]
}

const describeStep = ({ perMinute, afterSucceeded }: NonNullable<Ramp['nextStep']>): string =>
  `${formatCount(perMinute)} when ${formatCount(afterSucceeded)} more ${afterSucceeded === 1 ? 'device succeeds' : 'devices succeed'}`

/** Limits, each in words: `At most 600 devices per minute`. */
export function describeLimits({
  maxPerMinute,
  ramp,
  maxConcurrent,
  budget,
  window,
  retry,
}: {
  readonly maxPerMinute?: number | null | undefined
  readonly ramp?: Ramp | null | undefined
  readonly maxConcurrent?: number | null | undefined
  readonly budget?: { readonly groupBy: string; readonly maxConcurrent: number } | null | undefined
  readonly window?: Window | null | undefined
  readonly retry?: Retry | null | undefined
}): readonly string[] {
  return [
    ...(maxPerMinute == null ? [] : [`At most ${formatDevices(maxPerMinute)} per minute`]),
    ...(ramp == null ? [] : describeRamp(ramp)),
    ...(maxConcurrent == null ? [] : [`At most ${calls(maxConcurrent)} in progress`]),
    ...(budget == null ? [] : [`At most ${calls(budget.maxConcurrent)} in progress per ${budget.groupBy}`]),
    ...(window == null ? [] : [describeWindow(window)]),
    ...(retry == null ? [] : [describeRetry(retry)]),
  ]
}

const calls = (count: number): string => `${formatCount(count)} ${count === 1 ? 'call' : 'calls'}`

/** A rule as a sentence: `Pause when 3 % failed or refused, after 100 devices`. */
export function describeRule(rule: Pick<CountingRule, 'percent' | 'afterDevices' | 'action'> & Counted): string {
  const { percent, afterDevices, action } = rule
  const results = describeCounted(rule)
  const verb = { PAUSE: 'Pause', CANCEL: 'Cancel' }[action] ?? action
  const threshold = percent === 0 ? `a device ${results}` : `${percent} % ${results}`
  return `${verb} when ${threshold}${afterDevices === 1 ? '' : `, after ${formatCount(afterDevices)} devices`}`
}

function describeCounted({ on, errorCode, responseStatus }: Counted): string {
  if (errorCode != null) return `failed with ${errorCode}`
  if (responseStatus != null) return `responded with status ${responseStatus}`
  return (on ?? []).map((result) => resultWords[result] ?? result).join(' or ')
}

const resultWords: Readonly<Partial<Record<string, string>>> = {
  FAILED: 'failed',
  REFUSED: 'refused',
  TIMED_OUT: 'timed out',
}

/** The state of a rule: `4 of 100 devices`, and that it has acted. */
export function describeRuleState({ matchedCount, endedCount, hasActed, action }: CountingRule): string {
  const counted =
    endedCount === 0 ? 'nothing counted yet' : `${formatCount(matchedCount)} of ${formatCount(endedCount)}`
  if (!hasActed) return counted
  return `${counted} – ${action === 'CANCEL' ? 'cancelled' : 'paused'} the job`
}
