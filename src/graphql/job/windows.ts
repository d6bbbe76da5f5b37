import type { WindowTimes } from '../../job/store/time-windows.ts'
import { isOpen } from '../../job/time-window.ts'
import { builder } from '../builder.ts'
import { isForeign, nullWhenForeign } from './foreign-job.ts'
import { Job, ofJob } from './job.ts'
import { windowsIn } from './window-rows.ts'

/** The times of a window, and whether it is open. */
type ShownWindow = WindowTimes & { readonly isOpen: boolean }

const JobWindow = builder.objectRef<ShownWindow>('JobWindow').implement({
  description: 'When the devices of a job in one time zone have their turn.',
  fields: (t) => ({
    timeZone: t.exposeString('timeZone', {
      nullable: true,
      description: 'The time zone. Null for devices without a valid one, whose window never opens.',
    }),
    deviceCount: t.exposeInt('deviceCount', { description: 'Number of devices of the job in this time zone.' }),
    isOpen: t.exposeBoolean('isOpen', { description: 'Whether calls can begin now.' }),
    openTime: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the window opens next; while it is open, when it was opened. Null without a time zone.',
      resolve: ({ opens }) => opens,
    }),
    closeTime: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'From when on no call begins then: the end of the window, less the response timeout. Null without a time zone.',
      resolve: ({ closes }) => closes,
    }),
  }),
})

builder.objectField(Job, 'windows', (t) =>
  t.field({
    type: [JobWindow],
    nullable: true,
    ...ofJob('key', 'rollout', 'endTime'),
    complexity: { field: 20, multiplier: 20 },
    description: `The time windows of a job with \`rollout.window\`, by time zone. Empty before its start, after its end, and without one. ${nullWhenForeign}`,
    resolve: async (job, _args, context) => {
      if (isForeign(job, context)) return null
      const now = context.deps.clock.now()
      return (await windowsIn(job, context)).map((times) => ({
        ...times,
        isOpen: times.opens !== null && isOpen(times, now),
      }))
    },
  }),
)
