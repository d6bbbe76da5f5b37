import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { differencesOf } from '../../../src/cli/jobs/definition.ts'
import { readJobFile } from '../../../src/cli/jobs/job-file.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twincast-job-file-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** The job of a file with this rollout. */
async function filed(rollout: string) {
  const file = join(folder, 'job.yaml')
  const lines = ['jobId: careful', 'queryCondition: "*"', 'updateTwin: { tags: { a: 1 } }', `rollout: ${rollout}`]
  await writeFile(file, lines.join('\n'))
  const [job] = await readJobFile(file)
  if (job === undefined) throw new Error('The file has no job.')
  return job
}

test('a job in a file can have a ramp, and is compared by it', async () => {
  const job = await filed('{ maxPerMinute: 600, ramp: { from: 10, afterSucceeded: 50 } }')
  expect(job.rollout).toEqual({ maxPerMinute: 600, ramp: { from: 10, afterSucceeded: 50 } })
  const stored = (factor: number) => ({
    name: null,
    description: null,
    labels: [],
    queryCondition: '*',
    startTime: '2026-12-01T00:00:00Z',
    maxExecutionTimeInSeconds: 3_600,
    maxDevices: null,
    targets: 'AT_START' as const,
    onOverlap: 'PARALLEL' as const,
    updateTwin: { tags: { a: 1 } },
    skipCompliant: false,
    cloudToDeviceMethod: null,
    rollout: {
      maxPerMinute: 600,
      ramp: { from: 10, factor, afterSucceeded: 50 },
      maxConcurrent: null,
      approval: false,
      budget: null,
      window: null,
      retry: null,
      abort: [],
    },
    waves: [],
  })
  expect(differencesOf(job, stored(2))).toEqual([])
  expect(differencesOf(job, stored(3))).toEqual(['rollout'])
})

test('a ramp in a file needs its members, and has no others', async () => {
  await expect(filed('{ maxPerMinute: 600, ramp: { from: 10 } }')).rejects.toThrow('needs from and afterSucceeded')
  await expect(filed('{ ramp: { from: ten, afterSucceeded: 5 } }')).rejects.toThrow('from is not a number')
  await expect(filed('{ ramp: { to: 10 } }')).rejects.toThrow('ramp has the unknown member to')
})
