import type { WholeJobTemplateFragment } from '../../../generated/console/graphql.ts'
import { abortOutcomes, type Draft, daysIn, draftFrom, membersOf, type PastJob } from './draft.ts'

/** What the form knows of the rollout of a template or a job, which has the name of its type, too. */
const known = [
  '__typename',
  'maxPerMinute',
  'ramp',
  'maxConcurrent',
  'budget',
  'approval',
  'abort',
  'waves',
  'window',
  'retry',
]

/** A draft of a job of a template. */
export function draftFromTemplate({
  rollout,
  ...template
}: Omit<PastJob, 'rollout' | 'waves'> & Pick<WholeJobTemplateFragment, 'rollout'>): Draft {
  return draftFrom({ ...template, ...rolloutIn(rollout) })
}

/** The members of the rollout of a template or a job that the form does not know, and cannot copy. */
export const unknownIn = ({ rollout }: Pick<WholeJobTemplateFragment, 'rollout'>): readonly string[] =>
  Object.entries(membersOf(rollout)).flatMap(([name, value]) => (known.includes(name) || value === null ? [] : [name]))

/** A rollout in the form of the input, as a job has it. */
function rolloutIn(value: unknown): Pick<PastJob, 'rollout' | 'waves'> {
  if (typeof value !== 'object' || value === null) return { rollout: null, waves: null }
  const rollout = membersOf(value)
  const budget = membersOf(rollout.budget)
  const { days, from, to, timeZone, timeZoneFrom } = membersOf(rollout.window)
  const times = { from: textIn(from) ?? '', to: textIn(to) ?? '' }
  const zones = { timeZone: textIn(timeZone), timeZoneFrom: textIn(timeZoneFrom) }
  const groupBy = textIn(budget.groupBy)
  const maxConcurrent = numberIn(budget.maxConcurrent)
  return {
    rollout: {
      maxPerMinute: numberIn(rollout.maxPerMinute),
      ramp: rampIn(rollout.ramp),
      maxConcurrent: numberIn(rollout.maxConcurrent),
      approval: rollout.approval === true,
      budget: groupBy === null || maxConcurrent === null ? null : { groupBy, maxConcurrent },
      retry: retryIn(rollout.retry),
      window: times.from === '' ? null : { days: daysIn(days), ...times, ...zones },
      abort: listIn(rollout.abort).map(({ on, errorCode, responseStatus, percent, afterDevices, action }) => ({
        on: abortOutcomes.filter((outcome) => Array.isArray(on) && on.includes(outcome)),
        errorCode: textIn(errorCode),
        responseStatus: numberIn(responseStatus),
        percent: numberIn(percent) ?? 0,
        afterDevices: numberIn(afterDevices) ?? 1,
        action: actionIn(action),
      })),
    },
    waves: listIn(rollout.waves).map(({ devices, percent, queryCondition, gate }) => ({
      devices: numberIn(devices),
      percent: numberIn(percent),
      queryCondition: textIn(queryCondition),
      gate: typeof gate === 'object' && gate !== null ? gateIn(membersOf(gate)) : null,
    })),
  }
}

function rampIn(value: unknown): NonNullable<PastJob['rollout']>['ramp'] {
  const ramp = membersOf(value)
  const [from, afterSucceeded] = [numberIn(ramp.from), numberIn(ramp.afterSucceeded)]
  return from === null || afterSucceeded === null ? null : { from, factor: numberIn(ramp.factor), afterSucceeded }
}

function retryIn(value: unknown): NonNullable<PastJob['rollout']>['retry'] {
  const retry = membersOf(value)
  const maxAttempts = numberIn(retry.maxAttempts)
  if (maxAttempts === null) return null
  return {
    maxAttempts,
    on: Array.isArray(retry.on) ? retry.on.filter((cause) => typeof cause === 'string') : [],
    backoffSeconds: numberIn(retry.backoffSeconds),
    factor: numberIn(retry.factor),
    maxBackoffSeconds: numberIn(retry.maxBackoffSeconds),
  }
}

const gateIn = ({ succeededPercent, soakSeconds, approval, onFailure }: Readonly<Record<string, unknown>>) => ({
  succeededPercent: numberIn(succeededPercent),
  soakSeconds: numberIn(soakSeconds) ?? 0,
  approval: approval === true,
  onFailure: actionIn(onFailure),
})

const actionIn = (value: unknown): 'CANCEL' | 'PAUSE' => (value === 'CANCEL' ? 'CANCEL' : 'PAUSE')
const textIn = (value: unknown): string | null => (typeof value === 'string' ? value : null)
const numberIn = (value: unknown): number | null => (typeof value === 'number' ? value : null)
const listIn = (value: unknown): readonly Readonly<Record<string, unknown>>[] =>
  Array.isArray(value) ? value.map(membersOf) : []
