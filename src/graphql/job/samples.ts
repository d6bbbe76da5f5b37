import { findSamples, type JobSample, mostSamples } from '../../job/store/samples.ts'
import { builder } from '../builder.ts'
import { perParent } from '../loaders.ts'
import { withoutScope } from '../without-scope.ts'
import { isForeign, nullWhenForeign } from './foreign-job.ts'
import { Job, ofJob, Statistics } from './job.ts'

const Sample = builder.objectRef<JobSample>('JobSample').implement({
  description: 'The progress of a job at one point in time.',
  fields: (t) => ({
    time: t.expose('time', { type: 'DateTime', description: 'When the device jobs were counted.' }),
    deviceJobStatistics: t.field({
      type: Statistics,
      description: 'The number of device jobs by status.',
      resolve: (sample) => sample,
    }),
  }),
})

const findOfJob = perParent(withoutScope(findSamples), ({ jobKey }) => jobKey)

builder.objectField(Job, 'samples', (t) =>
  t.field({
    type: [Sample],
    nullable: true,
    ...ofJob('key'),
    // Each sample counts as an object, and so does what is selected in it.
    complexity: { field: mostSamples, multiplier: mostSamples },
    description: `The progress of the job over time, the oldest sample first: the start of the job, up to ${mostSamples} samples at even intervals of at least a second, and the end or, while the job is open, the present. Empty until the job has started, and for jobs without devices. ${nullWhenForeign}`,
    resolve: async (job, _args, context) =>
      isForeign(job, context) ? null : [...(await findOfJob(context, job.key, undefined))],
  }),
)
