import type { Answering } from '../../simulator/behaviour.ts'

// The rollout of the demo: a new firmware for all devices.

/** The firmware, and the method that installs it. */
export const firmware = { version: '2.2.0', methodName: 'installFirmware' } as const
/** The query condition for the devices that get it: all of the demo. */
export const rolloutCondition = "properties.reported.firmware < '2.2'"

const cloudToDeviceMethod = { methodName: firmware.methodName, payload: { firmware: firmware.version } }
/** One device of each floor at a time. */
const budget = { groupBy: 'tags.floorId', maxConcurrent: 1 }

/** The rollout: a canary wave first, and the rest when somebody else approves it. */
export const rolloutJob = {
  jobId: 'firmware-2-2-0',
  queryCondition: rolloutCondition,
  cloudToDeviceMethod,
  rollout: {
    maxPerMinute: 15_000,
    budget,
    waves: [{ percent: 2, gate: { succeededPercent: 95, approval: true } }, {}],
  },
}

/** Another job for these devices only. They are few enough for a condition. */
export const repetitionOn = (deviceIds: readonly string[]) => ({
  jobId: 'firmware-2-2-0-canary',
  queryCondition: `deviceId IN [${deviceIds.map((deviceId) => `'${deviceId}'`).join(', ')}]`,
  cloudToDeviceMethod,
  rollout: { budget },
})

/** How all devices answer while the image of the firmware is damaged. */
export const refusingImage = (): Answering => ({
  kind: 'refuse',
  status: 422,
  payload: { reason: 'the checksum of the image is wrong' },
  delayMs: { min: 200, max: 600 },
})

/** How they answer once the image is right. */
export const installing = (): Answering => ({
  kind: 'answer',
  payload: { firmware: firmware.version },
  delayMs: { min: 20, max: 60 },
})
