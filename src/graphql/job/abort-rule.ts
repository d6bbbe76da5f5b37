import { type AbortCrossing, type AbortRule, defaultAfterDevices } from '../../job/abort-rules.ts'
import { errorCodes } from '../../job/error-codes.ts'
import { builder } from '../builder.ts'

const AbortOutcome = builder.enumType('AbortOutcome', {
  description: 'A result of device jobs that an abort rule can count.',
  values: {
    FAILED: { value: 'failed', description: 'The device job failed, for whatever reason. Time-outs are failures.' },
    REFUSED: { value: 'refused', description: 'The device answered with a status of 400 or more.' },
    TIMED_OUT: {
      value: 'timedOut',
      description: 'The call was sent, and the device did not answer in time. FAILED includes these device jobs.',
    },
  } as const,
})

const AbortAction = builder.enumType('AbortAction', {
  description: 'What an abort rule does.',
  values: {
    PAUSE: { value: 'pause', description: 'The job is paused, as by `pauseJob`, until a client resumes it.' },
    CANCEL: { value: 'cancel', description: 'The job is cancelled, as by `cancelJob`.' },
  } as const,
})

const on = 'The results that are counted, together.'
const errorCode = `Device jobs that failed with this code are counted: ${errorCodes.join(', ')}.`
const responseStatus = 'Device jobs whose device answered with this status are counted, such as 503.'
const percent =
  'The threshold: 0 to 100, with at most two decimals. The rule acts when at least this percentage of the device jobs that have ended, and at least one of them, are counted.'
const afterDevices = 'How many device jobs have to end before the rule acts.'
const action = 'What the rule does.'
const emptyOn = 'Empty when the rule counts an error code or a response status.'
const nullFor = 'Null when the rule counts something else.'

/** Validated by job/abort-rules.ts. */
export const AbortRuleInput = builder.inputType('AbortRuleInput', {
  description:
    'When to pause or to cancel a job by itself, while devices are still waiting. Give exactly one of `on`, `errorCode` and `responseStatus`.',
  fields: (t) => ({
    on: t.field({ type: [AbortOutcome], description: `${on} At least one.` }),
    errorCode: t.string({ description: errorCode }),
    responseStatus: t.int({ description: responseStatus }),
    percent: t.float({ required: true, description: percent }),
    afterDevices: t.int({
      defaultValue: defaultAfterDevices,
      description: `${afterDevices} At least 1. With fewer, a single early failure may be a large percentage.`,
    }),
    action: t.field({ type: AbortAction, required: true, description: action }),
  }),
})

/** A rule, what it has counted, and whether it has acted. */
export type CountingRule = {
  readonly rule: AbortRule
  readonly matched: number
  readonly ended: number
  readonly hasActed: boolean
}

type Fields = PothosSchemaTypes.ObjectFieldBuilder<typeof builder.$inferSchemaTypes, { readonly rule: AbortRule }>

/** The rule, as it was requested. */
const ruleFields = (t: Fields) => ({
  on: t.field({ type: [AbortOutcome], description: `${on} ${emptyOn}`, resolve: ({ rule }) => [...(rule.on ?? [])] }),
  errorCode: t.string({
    nullable: true,
    description: `${errorCode} ${nullFor}`,
    resolve: ({ rule }) => rule.errorCode ?? null,
  }),
  responseStatus: t.int({
    nullable: true,
    description: `${responseStatus} ${nullFor}`,
    resolve: ({ rule }) => rule.responseStatus ?? null,
  }),
  percent: t.float({ description: percent, resolve: ({ rule }) => rule.percent }),
  afterDevices: t.int({ description: afterDevices, resolve: ({ rule }) => rule.afterDevices }),
  action: t.field({ type: AbortAction, description: action, resolve: ({ rule }) => rule.action }),
})

const since = 'since the job started or was resumed last'

export const JobAbortRule = builder.objectRef<CountingRule>('JobAbortRule').implement({
  description: 'An abort rule of a job, and what it has counted.',
  fields: (t) => ({
    ...ruleFields(t),
    matchedCount: t.exposeInt('matched', { description: `Device jobs that are counted, ${since}.` }),
    endedCount: t.exposeInt('ended', { description: `Device jobs that have ended, ${since}.` }),
    hasActed: t.exposeBoolean('hasActed', {
      description: 'Whether this rule has cancelled the job, or has paused it and no client has resumed it since.',
    }),
  }),
})

export const JobAbort = builder.objectRef<AbortCrossing>('JobAbort').implement({
  description: 'Why an abort rule paused or cancelled a job.',
  fields: (t) => ({
    ...ruleFields(t),
    matchedCount: t.exposeInt('matched', { description: `Device jobs that are counted, ${since}.` }),
    endedCount: t.exposeInt('ended', { description: `Device jobs that had ended, ${since}.` }),
    reachedPercent: t.float({
      description: '`matchedCount` as a percentage of `endedCount`.',
      resolve: ({ matched, ended }) => (matched / ended) * 100,
    }),
    callsInProgress: t.exposeInt('underWay', {
      description:
        'Number of calls that had been sent, or were about to be sent, and had no answer yet. No others were sent after the rule acted.',
    }),
  }),
})
