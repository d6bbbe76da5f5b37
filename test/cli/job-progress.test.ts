import { expect, test } from 'vitest'
import { followJob } from '../../src/cli/demo/follow.ts'
import {
  type Counts,
  isWorthALine,
  legend,
  type Progress,
  progressBar,
  progressLine,
} from '../../src/cli/job-progress.ts'
import { plain, widthOf } from '../../src/cli/terminal/style.ts'
import { fakeHub } from './fake-hub.ts'

const none: Counts = {
  deviceCount: 0,
  pendingCount: 0,
  runningCount: 0,
  succeededCount: 0,
  refusedCount: 0,
  failedCount: 0,
  cancelledCount: 0,
}

const progress = (status: string, counts: Partial<Counts> = {}): Progress => ({
  jobId: 'reboot',
  status,
  outcome: null,
  counts: { ...none, ...counts },
})

const half = progress('RUNNING', {
  deviceCount: 100,
  pendingCount: 10,
  runningCount: 30,
  succeededCount: 55,
  refusedCount: 10,
  failedCount: 5,
})

test('a bar shows what came of the devices so far, within the width of the terminal', () => {
  const line = progressBar(half, 100, plain)
  expect(line).toContain(`${'█'.repeat(24)}${'▒'.repeat(12)}${'░'.repeat(4)}`)
  expect(line).toContain('60 of 100')
  for (const width of [44, 60, 61, 80, 200]) expect(widthOf(progressBar(half, width, plain))).toBeLessThanOrEqual(width)
})

test('a narrow terminal has the numbers without a bar', () => {
  expect(progressBar(half, 50, plain)).not.toContain('█')
  expect(progressBar(half, 50, plain)).toContain('60 of 100')
})

test('a job that has not started says so in the place of its numbers', () => {
  expect(progressBar(progress('SCHEDULED'), 80, plain)).toContain('scheduled')
})

test('the legend has the numbers of all jobs together', () => {
  expect(legend([half, half], plain)).toBe('  █ 90 succeeded   █ 20 refused   █ 10 failed   ▒ 60 called   ░ 20 waiting')
})

test('a line says only what there is', () => {
  expect(progressLine(half, 1_234)).toBe(
    '   1.2 s  reboot: running, 45 succeeded, 10 refused, 5 failed, 30 called, 10 waiting',
  )
  expect(progressLine(progress('COMPLETED', { deviceCount: 3, succeededCount: 3 }), 61_000)).toBe(
    '  61.0 s  reboot: completed, 3 succeeded',
  )
})

test.each([
  ['that it waits to start', undefined, progress('SCHEDULED'), false],
  ['that it runs', progress('QUEUED'), progress('RUNNING'), true],
  [
    'that one more device has answered',
    half,
    progress('RUNNING', { ...half.counts, succeededCount: 56, runningCount: 29 }),
    false,
  ],
  [
    'that another quarter has ended',
    half,
    progress('RUNNING', { ...half.counts, succeededCount: 80, runningCount: 5 }),
    true,
  ],
  ['that it has ended', half, progress('COMPLETED', { deviceCount: 100, succeededCount: 95, failedCount: 5 }), true],
])('where lines stay, %s is or is not worth one', (_, before, after, worth) => {
  expect(isWorthALine(before, after)).toBe(worth)
})

const update = (version: number, status: string, counts: Partial<Counts>) => ({
  deviceJobStatistics: {
    version,
    job: { status, outcome: null, startTime: '2026-01-01T00:00:00.000Z', endTime: null },
    deviceJobStatistics: { ...none, ...counts },
  },
})
const running = update(2, 'RUNNING', { deviceCount: 2, runningCount: 2 })
const completed = update(3, 'COMPLETED', { deviceCount: 2, succeededCount: 2 })

const follow = (...updates: unknown[]) =>
  followJob(
    fakeHub(() => ({}), updates),
    'reboot',
    () => {},
  )

test('following a job gives its last update', async () => {
  await expect(follow(running, completed)).resolves.toMatchObject({
    status: 'COMPLETED',
    counts: { succeededCount: 2 },
  })
})

test.each([
  ['nothing comes', [], 'no update arrived'],
  ['the last update is no end', [running], 'the last update has the status RUNNING'],
  ['a completed job has devices left', [update(3, 'COMPLETED', { deviceCount: 1, runningCount: 1 })], 'is not final'],
  ['a version comes twice', [running, running], 'version 2 came after 2'],
  ['a version goes back', [completed, running], 'version 2 came after 3'],
  ['the counters do not add up', [update(2, 'RUNNING', { deviceCount: 3, runningCount: 2 })], 'do not add up'],
])('following a job fails when %s', async (_, updates, message) => {
  await expect(follow(...updates)).rejects.toThrow(message)
})
