import { ConflictError, InvalidInputError, NotFoundError } from '../../errors.ts'
import { openWave } from '../../job/approval-commands.ts'
import { builder } from '../builder.ts'
import { resultUnion } from '../errors.ts'
import { mayFail } from '../may-fail.ts'
import { jobPayload } from './payload.ts'

const OpenWaveInput = builder.inputType('OpenWaveInput', {
  description: 'The wave to open.',
  fields: (t) => ({
    jobId: t.string({ required: true, description: 'The job ID.' }),
    wave: t.int({
      required: true,
      description: 'The number of the wave, which must be the next one, so that two requests do not open two waves.',
    }),
    reason: t.string({ description: 'The reason: at most 1024 characters. Stored in the `history` of the job.' }),
  }),
})

const OpenWavePayload = jobPayload(
  'OpenWavePayload',
  'The wave is open. Its devices have their turn from now on.',
  'The job after the opening.',
)

builder.mutationField('openWave', (t) =>
  t.field({
    type: resultUnion(
      'OpenWaveResult',
      OpenWavePayload,
      [NotFoundError, ConflictError, InvalidInputError],
      'The result of `openWave`.',
    ),
    authScopes: { right: 'writeJobs' },
    audit: { target: ({ input }) => input.jobId, detail: ({ input }) => ({ wave: input.wave }) },
    ...mayFail(
      'Opens the next wave of a running job before its gate has passed, or after the gate has failed. A ConflictError when the job does not run, when another wave is next, or when the gate requires an approval (`approveJob`).',
    ),
    args: { input: t.arg({ type: OpenWaveInput, required: true, description: 'The wave to open, and the reason.' }) },
    resolve: async (_root, { input: { jobId, wave, reason } }, { deps, viewer }) => {
      deps.throttles.take('jobOperations')
      await openWave(deps, viewer, jobId, wave, reason)
      return { jobId }
    },
  }),
)
