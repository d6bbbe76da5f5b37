import type { SelectedJob } from '../../job/store/job-list.ts'
import type { WaveRow } from '../../job/store/waves.ts'
import { type Gate, hasLaterWaves, soakEnd, statisticsOf, type Wave, waveStatus } from '../../job/waves.ts'
import { builder } from '../builder.ts'
import { isForeign, nullWhenForeign } from './foreign-job.ts'
import { Job, ofJob, Statistics } from './job.ts'
import { GateAction, says } from './wave-input.ts'
import { wavesIn } from './wave-rows.ts'

const WaveStatus = builder.enumType('WaveStatus', {
  description: 'How far a wave has come.',
  values: {
    NOT_OPEN: {
      value: 'notOpen',
      description:
        'The wave has not been opened: the job has not started, an earlier wave has not passed its gate, or the job ended before. Its devices are not called or updated.',
    },
    OPEN: { value: 'open', description: 'Its devices have their turn.' },
    SOAKING: { value: 'soaking', description: 'The share of its gate is reached. See `soakEndTime`.' },
    WAITING_FOR_APPROVAL: {
      value: 'waitingForApproval',
      description: 'Its gate has passed, and the next wave waits for an approval.',
    },
    GATE_FAILED: {
      value: 'gateFailed',
      description: 'Its gate failed: too many of its devices did not succeed, or the approval was rejected.',
    },
    DONE: {
      value: 'done',
      description: 'The next wave was opened, or the wave was the last and all its devices have ended, or the job has.',
    },
  } as const,
})

const GateOutcome = builder.enumType('GateOutcome', {
  description: 'How the gate of a wave was decided.',
  values: {
    PASSED: {
      value: 'passed',
      description: 'It has passed, with its approval where it needs one, and the next wave was opened.',
    },
    SKIPPED: { value: 'skipped', description: 'A client has opened the next wave, although the gate had not passed.' },
    FAILED: { value: 'failed', description: 'Too many devices of the wave did not succeed.' },
    REJECTED: { value: 'rejected', description: 'The approval of the next wave was rejected.' },
  } as const,
})

const JobGate = builder.objectRef<Gate>('JobGate').implement({
  description: 'What has to happen before the next wave is opened.',
  fields: (t) => ({
    succeededPercent: t.float({
      nullable: true,
      description: `${says.succeededPercent} Null when all devices of the wave have to end, with any result.`,
      resolve: (gate) => gate.succeededPercent ?? null,
    }),
    soakSeconds: t.int({ description: says.soakSeconds, resolve: (gate) => gate.soakSeconds ?? 0 }),
    approval: t.boolean({ description: says.approval, resolve: (gate) => gate.approval ?? false }),
    onFailure: t.field({ type: GateAction, description: says.onFailure, resolve: (gate) => gate.onFailure }),
  }),
})

/** A wave with its row, which there is once the devices are selected. */
type ShownWave = {
  readonly number: number
  readonly wave: Wave
  readonly row: WaveRow | undefined
  readonly job: SelectedJob
}

const countsIn = ({ row, job }: ShownWave) =>
  row && statisticsOf(row, { status: job.status, hasEnded: job.endTime !== null })

const JobWave = builder.objectRef<ShownWave>('JobWave').implement({
  description: 'A wave of a job: devices that have their turn together, after those of the earlier waves.',
  fields: (t) => ({
    number: t.exposeInt('number', { description: 'The number of the wave, from 1.' }),
    devices: t.int({
      nullable: true,
      description: `${says.devices} Null when \`percent\` or \`queryCondition\` selects them, and for the last wave.`,
      resolve: ({ wave }) => ('devices' in wave ? wave.devices : null),
    }),
    percent: t.float({
      nullable: true,
      description: `${says.percent} Null when something else selects the devices.`,
      resolve: ({ wave }) => ('percent' in wave ? wave.percent : null),
    }),
    queryCondition: t.string({
      nullable: true,
      description: `${says.queryCondition} Null when something else selects the devices.`,
      resolve: ({ wave }) => ('queryCondition' in wave ? wave.queryCondition : null),
    }),
    gate: t.field({
      type: JobGate,
      nullable: true,
      description: 'When the next wave is opened. Null without a gate: then when all devices of this wave have ended.',
      resolve: ({ wave }) => wave.gate ?? null,
    }),
    status: t.field({
      type: WaveStatus,
      description: 'How far the wave has come.',
      resolve: (shown) => {
        const { row, job } = shown
        const counts = countsIn(shown)
        const hasOpen = counts === undefined || counts.pendingCount + counts.runningCount > 0
        return waveStatus(row, job.endTime !== null || (!hasLaterWaves(job) && !hasOpen))
      },
    }),
    gateOutcome: t.field({
      type: GateOutcome,
      nullable: true,
      description:
        'How the gate was decided. Null until then, and for the last wave. A gate that has failed or was rejected may be skipped, or approved, after that. Null for gates that were decided before the hub kept it.',
      resolve: ({ row }) => row?.gateOutcome ?? null,
    }),
    deviceJobStatistics: t.field({
      type: Statistics,
      nullable: true,
      description: 'Number of device jobs of the wave by status. Null until the devices are selected.',
      resolve: (shown) => countsIn(shown) ?? null,
    }),
    openedTime: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the wave was opened. Null until then.',
      resolve: ({ row }) => row?.openedTime ?? null,
    }),
    closedTime: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the next wave was opened. Devices of this wave may still have their turn. Null until then.',
      resolve: ({ row }) => row?.closedTime ?? null,
    }),
    soakEndTime: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the soak of the gate ends, or has ended. Null until the share is reached.',
      resolve: ({ wave, row }) => soakEnd(wave.gate ?? null, row?.reachedTime ?? null),
    }),
  }),
})

builder.objectField(Job, 'waves', (t) =>
  t.field({
    type: [JobWave],
    nullable: true,
    ...ofJob('key', 'status', 'endTime', 'rollout', 'openWave'),
    complexity: { field: 20, multiplier: 20 },
    description: `The waves of the job, in order. Empty for a job without waves. ${nullWhenForeign}`,
    resolve: async (job, _args, context) => {
      if (isForeign(job, context)) return null
      const waves = job.rollout?.waves ?? []
      if (waves.length === 0) return []
      const rows = await wavesIn(job.key, context)
      return waves.map((wave, index) => ({ number: index + 1, wave, row: rows[index], job }))
    },
  }),
)
