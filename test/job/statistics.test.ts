import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type DeviceJobStatus, deriveDeviceJobStatus } from '../../src/job/state.ts'
import {
  addsUp,
  cancelled,
  closed,
  type DeviceJobStatistics,
  dispatched,
  expanded,
  noDevices,
  settled,
} from '../../src/job/statistics.ts'

test('a job’s counters follow what happens to its devices', () => {
  const started = expanded(noDevices, 10)
  expect(started).toEqual({ ...noDevices, deviceCount: 10, pendingCount: 10 })
  const sent = dispatched(started, 6)
  expect(sent).toMatchObject({ pendingCount: 4, runningCount: 6 })
  const answered = settled(sent, 'running', { succeeded: 3, failed: 1 })
  expect(answered).toMatchObject({ pendingCount: 4, runningCount: 2, succeededCount: 3, failedCount: 1 })
  const deleted = settled(answered, 'pending', { succeeded: 0, failed: 1 })
  expect(deleted).toMatchObject({ pendingCount: 3, runningCount: 2, failedCount: 2 })
  expect(cancelled(deleted)).toMatchObject({ pendingCount: 0, runningCount: 2, canceledCount: 3 })
  expect(closed(deleted)).toMatchObject({ pendingCount: 0, runningCount: 0, failedCount: 7, canceledCount: 0 })
})

test.each<readonly [sentence: string, DeviceJobStatistics]>([
  ['a device is missing', { ...noDevices, deviceCount: 2, pendingCount: 1 }],
  ['a device is counted twice', { ...noDevices, deviceCount: 1, pendingCount: 1, succeededCount: 1 }],
  ['a counter is negative', { ...noDevices, deviceCount: 1, pendingCount: -1, succeededCount: 2 }],
])('counters do not add up when %s', (_sentence, statistics) => {
  expect(addsUp(statistics)).toBe(false)
})

test('in every order of events the counters add up and count the statuses that the facts amount to', () => {
  type Device = { outcome: 'completed' | 'failed' | undefined; dispatched: boolean }
  const event = fc.constantFrom('dispatch', 'succeed', 'fail', 'cancel', 'close')
  fc.assert(
    fc.property(
      fc.nat({ max: 5 }),
      fc.array(fc.tuple(event, fc.nat({ max: 4 })), { maxLength: 20 }),
      (count, happened) => {
        const devices = Array.from({ length: count }, (): Device => ({ outcome: undefined, dispatched: false }))
        const job = { jobStatus: 'running' as 'running' | 'cancelled' | 'completed', jobEnded: false }
        let statistics = expanded(noDevices, count)

        for (const [name, index] of happened) {
          const device = devices[index]
          const status = device && deriveDeviceJobStatus({ ...device, ...job })
          if (name === 'cancel' && job.jobStatus === 'running') {
            job.jobStatus = 'cancelled'
            statistics = cancelled(statistics)
          } else if (name === 'close' && job.jobStatus === 'running') {
            job.jobStatus = 'completed'
            job.jobEnded = true
            statistics = closed(statistics)
          } else if (name === 'dispatch' && device && status === 'pending') {
            device.dispatched = true
            statistics = dispatched(statistics, 1)
          } else if (
            (name === 'succeed' || name === 'fail') &&
            device &&
            (status === 'pending' || status === 'running')
          ) {
            device.outcome = name === 'succeed' ? 'completed' : 'failed'
            statistics = settled(statistics, status, {
              succeeded: name === 'succeed' ? 1 : 0,
              failed: name === 'fail' ? 1 : 0,
            })
          }

          const held = (wanted: DeviceJobStatus) =>
            devices.filter((candidate) => deriveDeviceJobStatus({ ...candidate, ...job }) === wanted).length
          expect(addsUp(statistics)).toBe(true)
          expect(statistics).toEqual({
            deviceCount: count,
            pendingCount: held('pending'),
            runningCount: held('running'),
            succeededCount: held('completed'),
            failedCount: held('failed'),
            canceledCount: held('canceled'),
          })
        }
      },
    ),
  )
})
