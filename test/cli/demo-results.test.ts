import { expect, test } from 'vitest'
import { type DeviceResult, groupByReason, groupByStatus, readResults } from '../../src/cli/demo/results.ts'
import { answerLines, failureLines, jobTable } from '../../src/cli/demo/summary.ts'
import { plain } from '../../src/cli/terminal/style.ts'
import { fakeHub } from './fake-hub.ts'

const answered = (deviceId: string, status: number, payload: unknown = null): DeviceResult => ({
  deviceId,
  outcome: { status, payload },
})
const failed = (deviceId: string, code: string): DeviceResult => ({
  deviceId,
  error: { code, description: `why ${code}` },
})

test('answers are grouped by status and shown with the first one, the most frequent first', () => {
  const groups = groupByStatus([answered('a', 409, { busy: true }), answered('b', 200), answered('c', 200)])
  expect(answerLines(groups, plain)).toEqual([
    '  200  2 devices  e.g. null from b',
    '  409  1 device   e.g. {"busy":true} from a',
  ])
})

test('failures are grouped by reason', () => {
  const groups = groupByReason([
    failed('a', 'GatewayTimeout'),
    failed('b', 'DeviceNotFound'),
    failed('c', 'DeviceNotFound'),
  ])
  expect(failureLines(groups, plain)).toEqual([
    '  DeviceNotFound: 2 devices, e.g. b',
    '    why DeviceNotFound',
    '  GatewayTimeout: 1 device, e.g. a',
    '    why GatewayTimeout',
  ])
})

test('results are read page by page to the last', async () => {
  const pages = [
    { nodes: [answered('a', 200)], pageInfo: { hasNextPage: true, endCursor: 'one' } },
    { nodes: [answered('b', 200)], pageInfo: { hasNextPage: false, endCursor: 'two' } },
  ]
  const hub = fakeHub(() => ({ job: { deviceJobs: pages.shift() } }))
  expect((await readResults(hub, 'j', 'COMPLETED')).map(({ deviceId }) => deviceId)).toEqual(['a', 'b'])
  expect(hub.requests.map(({ variables }) => variables)).toMatchObject([{ after: null }, { after: 'one' }])
})

test('the table has a row a job, its numbers ranged right', () => {
  const counts = {
    deviceCount: 1_200,
    pendingCount: 0,
    runningCount: 0,
    succeededCount: 1_195,
    refusedCount: 20,
    failedCount: 5,
    cancelledCount: 0,
  }
  const job = {
    jobId: 'reboot',
    status: 'COMPLETED',
    outcome: 'PARTIALLY_FAILED',
    counts,
    startTime: '2026-01-01T00:00:00.000Z',
    endTime: '2026-01-01T00:00:02.500Z',
  }
  expect(jobTable([job], plain)).toEqual([
    '  job     outcome           devices  succeeded  refused  failed  cancelled   took',
    '  reboot  partially failed    1,200      1,175       20       5          0  2.5 s',
  ])
})
