import { builder } from '../builder.ts'

/** What a gate does when it fails. */
export const GateAction = builder.enumType('GateAction', {
  description: 'What a gate does when it fails.',
  values: {
    PAUSE: { value: 'pause', description: 'The job is paused, as by `pauseJob`, until a client resumes it.' },
    CANCEL: { value: 'cancel', description: 'The job is cancelled, as by `cancelJob`.' },
  } as const,
})

/** What each member says, in the input and in the job. */
export const says = {
  succeededPercent:
    'The share of the devices of the wave that have to succeed before the next wave is opened: 0 to 100, with at most two decimals. A device that refuses does not succeed.',
  soakSeconds:
    'Seconds between the moment when the share is reached and the opening of the next wave, at most 30 days.',
  approval:
    'Whether somebody else than who scheduled the job has to approve the opening of the next wave (`approveJob`).',
  onFailure:
    'What happens when so many devices did not succeed that the share can no longer be reached, or when the approval is rejected.',
  devices: 'The number of devices of the wave, or fewer when there are not as many left.',
  percent:
    'The share of all devices of the job, rounded up: more than 0, with at most two decimals. All shares together must be less than 100.',
  queryCondition:
    'The devices that meet this condition when the devices of the job are selected, and none of the earlier conditions. They are not in the other waves.',
} as const

/** Validated by job/waves.ts. */
const GateInput = builder.inputType('GateInput', {
  description: 'What has to happen before the wave after this one is opened.',
  fields: (t) => ({
    succeededPercent: t.float({
      description: `${says.succeededPercent} When omitted, all devices of the wave have to end, with any result.`,
    }),
    soakSeconds: t.int({ description: says.soakSeconds }),
    approval: t.boolean({ defaultValue: false, description: says.approval }),
    onFailure: t.field({
      type: GateAction,
      description: `${says.onFailure} PAUSE when omitted. Requires \`succeededPercent\` or \`approval\`.`,
    }),
  }),
})

/** Validated by job/waves.ts. */
export const WaveInput = builder.inputType('WaveInput', {
  description:
    'A wave of a job. Give one of `devices`, `percent` and `queryCondition`; for the last wave none of them, and no gate, because it takes the rest.',
  fields: (t) => ({
    devices: t.int({ description: `${says.devices} At least 1.` }),
    percent: t.float({ description: says.percent }),
    queryCondition: t.string({
      description: `${says.queryCondition} \`group('…')\` selects those of a device group. At most 8192 characters.`,
    }),
    gate: t.field({
      type: GateInput,
      description: 'When the next wave is opened. Without a gate, when all devices of this wave have ended.',
    }),
  }),
})
