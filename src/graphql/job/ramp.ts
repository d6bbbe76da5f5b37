import { defaultRampFactor, type Ramp, type RampStep } from '../../job/ramp.ts'
import { builder } from '../builder.ts'

const from = 'Maximum number of devices per minute at first.'
const factor = 'Each further rate is so many times the one before.'
const afterSucceeded =
  'The rate rises after each so many devices that succeed. A device that refuses does not succeed, and one that is skipped does not count.'

/** Validated by job/ramp.ts. */
export const RampInput = builder.inputType('RampInput', {
  description:
    'How the rate of a job rises: it starts at `from` per minute, and rises by `factor` after each `afterSucceeded` devices that succeed, up to `maxPerMinute`.',
  fields: (t) => ({
    from: t.int({ required: true, description: `${from} 1 to \`maxPerMinute\`.` }),
    factor: t.float({
      defaultValue: defaultRampFactor,
      description: `${factor} Above 1, up to 10, with at most two decimals.`,
    }),
    afterSucceeded: t.int({ required: true, description: `${afterSucceeded} 1 to 1000000.` }),
  }),
})

const JobRampStep = builder.objectRef<RampStep>('JobRampStep').implement({
  description: 'The next rate of a job with a ramp.',
  fields: (t) => ({
    perMinute: t.exposeInt('perMinute', { description: 'Maximum number of devices per minute from then on.' }),
    afterSucceeded: t.exposeInt('afterSucceeded', { description: 'So many more devices have to succeed before.' }),
  }),
})

/** The ramp of a job, the rate that it has reached, and the next one. */
export type ReachedRamp = Ramp & { readonly perMinute: number; readonly nextStep: RampStep | null }

export const JobRamp = builder.objectRef<ReachedRamp>('JobRamp').implement({
  description: 'How the rate of a job rises, up to `maxPerMinute`.',
  fields: (t) => ({
    from: t.exposeInt('from', { description: from }),
    factor: t.exposeFloat('factor', { description: factor }),
    afterSucceeded: t.exposeInt('afterSucceeded', { description: afterSucceeded }),
    perMinute: t.exposeInt('perMinute', {
      description: 'The maximum number of devices per minute that the job has reached.',
    }),
    nextStep: t.expose('nextStep', {
      type: JobRampStep,
      nullable: true,
      description: 'The next rate. Null when the job has reached `maxPerMinute`.',
    }),
  }),
})
