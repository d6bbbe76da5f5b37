import { Command } from '@commander-js/extra-typings'
import { createJobsApprove } from './jobs/approve.ts'
import { createJobsCancel } from './jobs/cancel.ts'
import { createJobsCancelDevices } from './jobs/cancel-devices.ts'
import { createJobsExtend } from './jobs/extend.ts'
import { createJobsList } from './jobs/list.ts'
import { createJobsOpenWave } from './jobs/open-wave.ts'
import { createJobsPause } from './jobs/pause.ts'
import { createJobsPreview } from './jobs/preview.ts'
import { createJobsReject } from './jobs/reject.ts'
import { createJobsResults } from './jobs/results.ts'
import { createJobsResume } from './jobs/resume.ts'
import { createJobsRetry } from './jobs/retry.ts'
import { createJobsSchedule } from './jobs/schedule.ts'
import { createJobsShow } from './jobs/show.ts'
import { createJobsUpdate } from './jobs/update.ts'
import { createJobsWatch } from './jobs/watch.ts'

/** `twincast jobs …` */
export const createJobs = () =>
  new Command('jobs')
    .description('Schedules, approves, watches, pauses, changes, cancels and repeats jobs, and prints their results.')
    .addCommand(createJobsList())
    .addCommand(createJobsShow())
    .addCommand(createJobsSchedule())
    .addCommand(createJobsPreview())
    .addCommand(createJobsWatch())
    .addCommand(createJobsApprove())
    .addCommand(createJobsReject())
    .addCommand(createJobsOpenWave())
    .addCommand(createJobsPause())
    .addCommand(createJobsResume())
    .addCommand(createJobsUpdate())
    .addCommand(createJobsExtend())
    .addCommand(createJobsCancel())
    .addCommand(createJobsCancelDevices())
    .addCommand(createJobsRetry())
    .addCommand(createJobsResults())
