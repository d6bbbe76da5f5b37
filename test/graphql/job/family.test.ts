import { afterAll, beforeAll, expect, test } from 'vitest'
import { retryJob } from '../../../src/job/commands.ts'
import { startDueJobs } from '../../../src/scheduler/start-due-jobs.ts'
import { givenDevices, givenMethodJob, tester } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { answer, countStatements, dispatch, finish } from '../facts.ts'

let door: TestDoor
/** Of three pumps one answers the first job; of the other two one its retry, the second. The third and the other wait. */
beforeAll(async () => {
  door = await openDoor()
  await givenDevices(door.deps, 'pump', 3)
  await run(await givenMethodJob(door.deps, 'pump', {}, { jobId: 'first' }), { 'pump-0001': 500 })
  await run(await retryJob(door.deps, tester, { jobId: 'first', newJobId: 'second' }), { 'pump-0002': 200 })
  await run(await givenMethodJob(door.deps, 'pump', {}, { jobId: 'alone' }), { 'pump-0001': 200 })
  await retryJob(door.deps, tester, { jobId: 'second', newJobId: 'third' })
  await retryJob(door.deps, tester, { jobId: 'first', newJobId: 'other', responseStatus: [500] })
})
afterAll(() => door.close())

/** To its end: devices answer as given, the others fail. */
async function run(jobId: string, statuses: Readonly<Record<string, number>>): Promise<void> {
  const { deps } = door
  while ((await startDueJobs(deps, { maxRunning: 100 }).run(deps.clock.now())).full);
  const { key } = await deps.db.prisma.job.findUniqueOrThrow({ where: { id: jobId } })
  const targets = await deps.db.prisma.deviceJob.findMany({ where: { jobKey: key } })
  const keys = targets.map(({ deviceId }) => ({ jobId, deviceId }))
  await dispatch(deps, ...keys)
  const ends = keys.map((target) => {
    const status = statuses[target.deviceId]
    return status === undefined
      ? { ...target, error: { code: 'GatewayTimeout', description: '' } }
      : { ...target, response: { status, payload: 'null' } }
  })
  await answer(deps, ...ends)
  await finish(deps)
}

const ask = async (query: string) => {
  const { data, errors } = await door.ask(query)
  expect(errors).toEqual([])
  return data
}

test('jobs know what they are a retry of, and their own retries, the oldest first', async () => {
  const fields = 'retryOf { jobId } retries { jobId status }'
  expect(await ask(`{ first: job(jobId: "first") { ${fields} } second: job(jobId: "second") { ${fields} } }`)).toEqual({
    first: {
      retryOf: null,
      retries: [
        { jobId: 'second', status: 'COMPLETED' },
        { jobId: 'other', status: 'QUEUED' },
      ],
    },
    second: { retryOf: { jobId: 'first' }, retries: [{ jobId: 'third', status: 'QUEUED' }] },
  })
})

test('all members of a family see the same jobs and statistics', async () => {
  const counts = 'deviceCount pendingCount runningCount succeededCount failedCount cancelledCount'
  const { jobs } = await ask(
    `{ jobs(first: 10, filter: { jobIdPrefix: "" }) { nodes { jobId family { jobs { jobId } statistics { ${counts} } } } } }`,
  )
  const nodes: { jobId: string; family: object }[] = Object(jobs).nodes
  const none = { pendingCount: 0, runningCount: 0, cancelledCount: 0 }
  for (const { jobId, family } of nodes.filter(({ jobId }) => jobId !== 'alone')) {
    expect([jobId, family]).toEqual([
      jobId,
      {
        jobs: ['first', 'second', 'third', 'other'].map((id) => ({ jobId: id })),
        statistics: { deviceCount: 3, succeededCount: 2, failedCount: 1, ...none },
      },
    ])
  }
  expect(nodes.find(({ jobId }) => jobId === 'alone')).toMatchObject({
    family: { jobs: [{ jobId: 'alone' }], statistics: { deviceCount: 3, succeededCount: 1, failedCount: 2, ...none } },
  })
})

test('many jobs take as many statements as few', async () => {
  const read = (first: number) => () =>
    ask(
      `{ jobs(first: ${first}) { nodes { retryOf { jobId } retries { jobId } family { jobs { jobId } statistics { deviceCount } } } } }`,
    )
  expect(await countStatements(read(5))).toBe(await countStatements(read(4)))
})

test.each(['family { jobs { family { jobs { jobId } } } }', 'retries { retryOf { retries { jobId } } }'])(
  'families in families could be endless and are refused: %s',
  async (fields) => {
    const { errors } = await door.ask(`{ job(jobId: "first") { ${fields} } }`)
    expect(errors).toMatchObject([{ extensions: { code: 'LIMIT_EXCEEDED', limit: 'complexity' } }])
  },
)

test('a member that is kept no longer is simply not there', async () => {
  await door.deps.database.pool.query("delete from job where id = 'first'")
  expect(
    await ask('{ job(jobId: "second") { retryOf { jobId } family { jobs { jobId } statistics { deviceCount } } } }'),
  ).toEqual({
    job: {
      retryOf: null,
      family: { jobs: ['second', 'third', 'other'].map((jobId) => ({ jobId })), statistics: { deviceCount: 2 } },
    },
  })
})
