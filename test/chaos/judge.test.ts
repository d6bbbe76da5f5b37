import { expect, test } from 'vitest'
import { type DeviceJobRecord, type Evidence, type JobRecord, judge } from './judge.ts'

const ids = ['pump', 'lift'] as const
const answer = { errorCode: null, status: 200, payload: '"done"' }
const answered = (deviceId: string): DeviceJobRecord => ({ deviceId, isMarked: true, outcome: answer })
const failed = (deviceId: string, errorCode: string): DeviceJobRecord => ({
  deviceId,
  isMarked: true,
  outcome: { errorCode, status: null, payload: null },
})
const entry = (methodName: string, deviceId: string) => ({ deviceId, rid: '1', methodName, time: 0 })
const device = (deviceId: string) => ({ deviceId, isConnected: true, desiredVersion: 1, isUpToDate: true })

const job: JobRecord = {
  jobId: 'chaos-1',
  type: 'scheduleDeviceMethod',
  status: 'completed',
  hasEnded: true,
  deviceCount: 2,
  pendingCount: 0,
  runningCount: 0,
  succeededCount: 2,
  failedCount: 0,
  cancelledCount: 0,
  deviceJobs: ids.map(answered),
}
const right: Evidence = {
  jobs: [job],
  accepted: ['chaos-1'],
  directCalls: [{ methodName: 'direct-1', deviceId: 'pump', isAnswered: true }],
  ledger: [entry('chaos-1', 'pump'), entry('chaos-1', 'lift'), entry('direct-1', 'pump')],
  devices: ids.map(device),
  connected: new Set(ids),
  answerOf: () => '"done"',
}
const twins: Evidence = {
  ...right,
  jobs: [{ ...job, type: 'scheduleUpdateTwin', deviceJobs: ids.map((id) => ({ ...answered(id), isMarked: false })) }],
  ledger: [entry('direct-1', 'pump')],
  devices: ids.map((id) => ({ ...device(id), desiredVersion: 2 })),
}

test('a run in which everything happened once has no faults', () => {
  expect(judge(right)).toEqual({ lost: 0, doubled: 0, unknown: 0, calls: 2, faults: [] })
  expect(judge(twins)).toEqual({ lost: 0, doubled: 0, unknown: 0, calls: 0, faults: [] })
})

test('a call that was under way when its gateway failed may have an unknown outcome, whether or not it arrived', () => {
  const deviceJobs = [answered('pump'), failed('lift', 'OutcomeUnknown')]
  const jobs = [{ ...job, succeededCount: 1, failedCount: 1, deviceJobs }]
  const verdict = { lost: 0, doubled: 0, unknown: 1, faults: [] }
  expect(judge({ ...right, jobs })).toMatchObject(verdict)
  expect(judge({ ...right, jobs, ledger: right.ledger.filter((each) => each.deviceId === 'pump') })).toMatchObject(
    verdict,
  )
})

test('a job that was cancelled has only called some of its devices, or has none', () => {
  const deviceJobs = [answered('pump'), { deviceId: 'lift', isMarked: false, outcome: null }]
  const jobs = [{ ...job, status: 'cancelled', succeededCount: 1, cancelledCount: 1, deviceJobs }]
  const ledger = right.ledger.filter((each) => each.deviceId === 'pump')
  expect(judge({ ...right, jobs, ledger })).toMatchObject({ lost: 0, faults: [] })
  const early = [{ ...job, status: 'cancelled', deviceCount: 0, succeededCount: 0, deviceJobs: [] }]
  expect(judge({ ...right, jobs: early, ledger: [entry('direct-1', 'pump')] })).toMatchObject({ lost: 0, faults: [] })
})

test.each<[string, Partial<Evidence>]>([
  ['a job that has not ended', { jobs: [{ ...job, hasEnded: false }] }],
  ['a job that is unknown', { accepted: ['chaos-1', 'chaos-2'] }],
  [
    'a device that is not in the job',
    { jobs: [{ ...job, deviceCount: 1, succeededCount: 1, deviceJobs: [answered('pump')] }] },
  ],
  [
    'a device job without an outcome',
    {
      jobs: [{ ...job, succeededCount: 1, deviceJobs: [answered('pump'), { ...answered('lift'), outcome: null }] }],
    },
  ],
  [
    'a device that had no turn before the deadline',
    {
      jobs: [
        {
          ...job,
          succeededCount: 1,
          failedCount: 1,
          deviceJobs: [answered('pump'), failed('lift', 'JobRunPreconditionFailed')],
        },
      ],
    },
  ],
  ['an answer of a device that was not called', { ledger: right.ledger.filter((each) => each.deviceId === 'pump') }],
  ['a direct method that was answered and not called', { ledger: right.ledger.slice(0, 2) }],
  [
    'a device that has not received its desired properties',
    { devices: [device('pump'), { ...device('lift'), isUpToDate: false }] },
  ],
  [
    'a twin update that succeeded and was not applied',
    { ...twins, devices: ids.map(device).with(0, { ...device('pump'), desiredVersion: 2 }) },
  ],
])('%s is lost', (_what, change) => {
  const { lost, doubled, faults } = judge({ ...right, ...change })
  expect({ lost, doubled, faults: faults.length > 0 }).toEqual({ lost: 1, doubled: 0, faults: true })
})

test.each<[string, Partial<Evidence>]>([
  ['a call of a job that a device received twice', { ledger: [...right.ledger, entry('chaos-1', 'pump')] }],
  ['a direct method that a device received twice', { ledger: [...right.ledger, entry('direct-1', 'pump')] }],
  [
    'a twin update that was applied twice',
    { ...twins, devices: twins.devices.with(0, { ...device('pump'), desiredVersion: 3 }) },
  ],
])('%s is doubled', (_what, change) => {
  const { lost, doubled, faults } = judge({ ...right, ...change })
  expect({ lost, doubled, faults: faults.length }).toEqual({ lost: 0, doubled: 1, faults: 1 })
})

test.each<[string, Partial<Evidence>]>([
  ['counters that are not the sum of the device jobs', { jobs: [{ ...job, pendingCount: 1 }] }],
  ['an answer that the device did not give', { answerOf: () => '"other"' }],
  [
    'a device that is connected, of which the hub says otherwise',
    { devices: [device('pump'), { ...device('lift'), isConnected: false }] },
  ],
  ['a device that is not connected, of which the hub says otherwise', { connected: new Set(['pump']) }],
])('a fault: %s', (_what, change) => {
  const { lost, doubled, faults } = judge({ ...right, ...change })
  expect({ lost, doubled, faults: faults.length > 0 }).toEqual({ lost: 0, doubled: 0, faults: true })
})
