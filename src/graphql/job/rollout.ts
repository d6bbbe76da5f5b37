import { countedBy } from '../../job/abort-rules.ts'
import { type JobLimits, mostAtOnce } from '../../job/job-limits.ts'
import { countedByRamp, nextStep, rateIn } from '../../job/ramp.ts'
import type { RetryPolicy } from '../../job/retry-policy.ts'
import type { TimeWindow as Window } from '../../job/time-window.ts'
import { builder } from '../builder.ts'
import { type CountingRule, JobAbortRule } from './abort-rule.ts'
import { isForeign, nullWhenForeign } from './foreign-job.ts'
import { Job, ofJob } from './job.ts'
import { JobRamp, type ReachedRamp } from './ramp.ts'
import { JobRetryPolicy } from './retry-policy.ts'
import { DayOfWeek, says } from './window-input.ts'

type Rollout = Omit<JobLimits, 'ramp'> & {
  readonly ramp: ReachedRamp | null
  readonly approval: boolean
  readonly window: Window | null
  readonly abort: readonly CountingRule[]
  readonly retry: RetryPolicy | undefined
}

/** A budget, whose members are never null. */
type Budget = { readonly groupBy: string; readonly maxConcurrent: number }

const DisruptionBudget = builder.objectRef<Budget>('DisruptionBudget').implement({
  description:
    'How many devices of a group may be disrupted at a time. The devices were grouped when they were selected.',
  fields: (t) => ({
    groupBy: t.exposeString('groupBy', {
      description: 'The path by whose value the devices are grouped. Devices without a value form one group, too.',
    }),
    maxConcurrent: t.exposeInt('maxConcurrent', {
      description: 'Maximum number of calls in progress at a time in each group.',
    }),
  }),
})

const TimeWindow = builder.objectRef<Window>('TimeWindow').implement({
  description: 'A time window, in which the calls of a job begin.',
  fields: (t) => ({
    days: t.field({
      type: [DayOfWeek],
      nullable: true,
      description: `${says.days} Null for every day.`,
      resolve: ({ days }) => days && [...days],
    }),
    from: t.exposeString('from', { description: says.from }),
    to: t.exposeString('to', { description: says.to }),
    timeZone: t.string({
      nullable: true,
      description: `${says.timeZone} Null without one.`,
      resolve: ({ timeZone }) => timeZone ?? null,
    }),
    timeZoneFrom: t.string({
      nullable: true,
      description: `${says.timeZoneFrom} Null for one zone.`,
      resolve: ({ timeZoneFrom }) => timeZoneFrom ?? null,
    }),
  }),
})

const JobRollout = builder.objectRef<Rollout>('JobRollout').implement({
  description: 'How a job proceeds through its devices.',
  fields: (t) => ({
    maxPerMinute: t.exposeInt('maxPerMinute', {
      nullable: true,
      description:
        'Maximum number of devices that are called, or whose twins are updated, in any minute. Null for no limit.',
    }),
    ramp: t.expose('ramp', {
      type: JobRamp,
      nullable: true,
      description: 'How the rate rises to `maxPerMinute`. Null when it is the same from the start on.',
    }),
    maxConcurrent: t.exposeInt('maxConcurrent', {
      nullable: true,
      description: 'Maximum number of calls in progress at a time. Null for no limit.',
    }),
    approval: t.exposeBoolean('approval', {
      description: 'Whether somebody else than who scheduled the job had, or has, to approve it before its start.',
    }),
    budget: t.field({
      type: DisruptionBudget,
      nullable: true,
      description: 'Maximum number of calls in progress at a time in each group of devices. Null without a budget.',
      resolve: ({ budgetGroupBy, budgetMaxConcurrent }) =>
        budgetGroupBy === null || budgetMaxConcurrent === null
          ? null
          : { groupBy: budgetGroupBy, maxConcurrent: budgetMaxConcurrent },
    }),
    window: t.expose('window', {
      type: TimeWindow,
      nullable: true,
      description: 'When calls begin, or twins are updated. Null for at any time. See `Job.windows`.',
    }),
    retry: t.field({
      type: JobRetryPolicy,
      nullable: true,
      description: 'When a call is sent to a device again. Null when no call is repeated.',
      resolve: ({ retry }) => retry ?? null,
    }),
    abort: t.field({
      type: [JobAbortRule],
      description: 'When the job is paused or cancelled by itself. Empty without such rules.',
      resolve: ({ abort }) => [...abort],
    }),
  }),
})

builder.objectField(Job, 'rollout', (t) =>
  t.field({
    type: JobRollout,
    nullable: true,
    ...ofJob(
      'rollout',
      'judgedFrom',
      'ruleCounts',
      'crossedRule',
      'perMinute',
      'storedRamp',
      'maxConcurrent',
      'budgetGroupBy',
      'budgetMaxConcurrent',
      'succeededCount',
      'refusedCount',
      'skippedCount',
      'failedCount',
    ),
    description: `How the job proceeds through its devices, as it was requested. Null when nothing was. A retry has that of the job that it repeats. ${nullWhenForeign}`,
    resolve: (job, _args, context) => {
      const { perMinute, storedRamp, maxConcurrent, budgetGroupBy, budgetMaxConcurrent } = job
      const limits = { ...rateIn(job), maxConcurrent, budgetGroupBy, budgetMaxConcurrent }
      const isWithout = job.rollout === null && mostAtOnce(limits) === undefined
      if (isWithout || isForeign(job, context)) return null
      const { abort = [], approval = false, window = null, retry } = job.rollout ?? {}
      return {
        ...limits,
        ramp:
          storedRamp === null || perMinute === null
            ? null
            : { ...storedRamp, perMinute, nextStep: nextStep(storedRamp, countedByRamp(job)) },
        approval,
        window,
        retry,
        abort: abort.map((rule, place) => ({
          rule,
          ...countedBy(rule, job, job.judgedFrom),
          hasActed: job.crossedRule === place,
        })),
      }
    },
  }),
)
