import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Viewer } from '../../../src/access/viewer.ts'
import { systemClock } from '../../../src/clock.ts'
import { createDevices, deleteDevice } from '../../../src/device/commands.ts'
import { cancelJob, scheduleJob } from '../../../src/job/commands.ts'
import { scopeOf } from '../../../src/query/scope.ts'
import { everything } from '../../../src/scope.ts'
import { givenDevices } from '../../support/rows.ts'
import { openDoor, owner, personWith, type TestDoor } from '../door.ts'
import { answer, dispatch, finish, start } from '../facts.ts'
import { type OpenPort, openPort } from '../transport/sockets.ts'

const north = "tags.site = 'north'"
const rights = ['readDevices', 'readTwins', 'readJobs', 'writeTwins', 'writeJobs', 'invokeMethods'] as const

/** Who asks, by token: the person of the north, or whoever may do everything. */
const viewers: Readonly<Record<string, Viewer>> = {
  owner,
  north: personWith({ rights, scope: scopeOf([north]), name: 'nora', roles: ['north-operator'] }),
  south: personWith({ rights, scope: scopeOf(["tags.site = 'south'"]), name: 'sue', roles: ['south-operator'] }),
  nowhere: personWith({ rights, scope: scopeOf([]), name: 'nick', roles: ['nowhere'] }),
}

let door: TestDoor
beforeAll(async () => {
  // Its time stands still, so that no read takes long and is shared with later requests.
  const now = new Date()
  const clock = { ...systemClock, now: () => now }
  door = await openDoor({ clock, authenticate: async (token) => viewers[token ?? 'owner'] ?? owner })
  await createDevices(
    door.deps,
    everything,
    ['north', 'north', 'south'].map((site, index) => ({ deviceId: `d${index}`, twin: { tags: { site } } })),
  )
  await scheduleJob(door.deps, owner, {
    type: 'scheduleDeviceMethod',
    jobId: 'foreign',
    queryCondition: '*',
    cloudToDeviceMethod: { methodName: 'reboot', payload: { secret: 7 } },
    expect: { maxDevices: 9 },
  })
})
afterAll(() => door.close())

const givenDevice = (deviceId: string, site: string) =>
  createDevices(door.deps, everything, [{ deviceId, twin: { tags: { site } } }])

const asNorth = (query: string) => door.ask(query, {}, { authorization: 'north' })

const pause = (jobId: string) =>
  `mutation { result: pauseJob(input: { jobId: "${jobId}" }) { __typename ... on Error { code message } } }`
const cancel = (jobId: string) =>
  `mutation { result: cancelJob(input: { jobId: "${jobId}" }) { __typename ... on Error { code message } } }`
const retry = (jobId: string) =>
  `mutation { result: retryJob(input: { jobId: "${jobId}" }) { __typename ... on Error { code message } } }`

test('pausing, cancelling or retrying a foreign job is refused, and the error says which scope is missing', async () => {
  for (const document of [pause('foreign'), cancel('foreign'), retry('foreign')]) {
    const { errors } = await asNorth(document)
    expect(errors).toMatchObject([
      {
        message: 'Job "foreign" was not scheduled under your scope. You can neither change nor retry it.',
        path: ['result'],
        extensions: { code: 'FORBIDDEN', missing: { scope: north } },
      },
    ])
  }
  const { data } = await door.ask('{ job(jobId: "foreign") { status history { type } } }')
  expect(data.job).toEqual({ status: 'QUEUED', history: [{ type: 'SCHEDULED' }] })
})

test('an unknown job is NOT_FOUND for a viewer with a scope, too', async () => {
  for (const document of [cancel('unknown'), retry('unknown')]) {
    expect((await asNorth(document)).data.result).toMatchObject({ __typename: 'NotFoundError' })
  }
})

describe('of device jobs, a viewer with a scope', () => {
  const foreign = (deviceId: string) => ({ jobId: 'foreign', deviceId })
  const idsIn = (list: unknown): string[] => Object(list).nodes.map(({ deviceId }: { deviceId: string }) => deviceId)

  beforeAll(async () => {
    await scheduleJob(door.deps, viewers.north ?? owner, {
      type: 'scheduleDeviceMethod',
      jobId: 'own',
      queryCondition: '*',
      cloudToDeviceMethod: { methodName: 'reboot' },
    })
    for (const jobId of ['foreign', 'own']) await start(door.deps, jobId)
    const [north, south] = [foreign('d0'), foreign('d2')]
    await dispatch(door.deps, north, south)
    await answer(
      door.deps,
      { ...north, response: { status: 200, payload: '"up"' } },
      { ...south, response: { status: 200, payload: '"secret"' } },
    )
  })

  const list = (jobId: string, args = 'first: 10') =>
    `{ job(jobId: "${jobId}") { deviceJobs(${args}) { totalCount nodes { id deviceId status outcome { payload } } } } }`
  const listed = async (jobId: string, args?: string) => {
    const { data, errors } = await asNorth(list(jobId, args))
    expect(errors).toEqual([])
    return Object(data.job).deviceJobs
  }

  test('gets those of its devices in a foreign job, and no others', async () => {
    expect(await listed('foreign')).toEqual({
      totalCount: 2,
      nodes: [
        { id: expect.any(String), deviceId: 'd0', status: 'COMPLETED', outcome: { payload: 'up' } },
        { id: expect.any(String), deviceId: 'd1', status: 'PENDING', outcome: null },
      ],
    })
    const whole = await door.ask(list('foreign'))
    expect(Object(whole.data.job).deviceJobs.totalCount).toBe(3)
  })

  test.each([
    ['first: 10, filter: { status: [COMPLETED] }', ['d0']],
    ['first: 10, filter: { status: [PENDING] }', ['d1']],
    ['first: 10, filter: { responseStatus: [200] }', ['d0']],
    ['last: 10, orderBy: { field: END_TIME, direction: DESC }', ['d1', 'd0']],
    ['first: 10, filter: { queryCondition: "deviceId != \'x\'" }', ['d0', 'd1']],
  ])('gets them in each order and with each filter: %s', async (args, expected) => {
    const page = await listed('foreign', args)
    expect(idsIn(page)).toEqual(expected)
    expect(page.totalCount).toBe(expected.length)
  })

  test('cannot read one of another device by its ID', async () => {
    const all = Object((await door.ask(list('foreign'))).data.job).deviceJobs.nodes
    const ids = all.map(({ id }: { id: string }) => id)
    const nodes = async (authorization: string) =>
      (
        await door.ask(
          'query ($ids: [ID!]!) { nodes(ids: $ids) { ... on DeviceJob { deviceId } } }',
          { ids },
          { authorization },
        )
      ).data.nodes
    expect(await nodes('owner')).toEqual([{ deviceId: 'd0' }, { deviceId: 'd1' }, { deviceId: 'd2' }])
    expect(await nodes('north')).toEqual([{ deviceId: 'd0' }, { deviceId: 'd1' }, null])
  })

  test('gets those of foreign and own jobs at its devices', async () => {
    const { data } = await asNorth(
      '{ device(deviceId: "d0") { deviceJobs(first: 10) { totalCount nodes { job { jobId } } } } }',
    )
    expect(Object(data.device).deviceJobs).toEqual({
      totalCount: 2,
      nodes: [{ job: { jobId: 'own' } }, { job: { jobId: 'foreign' } }],
    })
  })

  test('sees all of its own job, and no condition tells what a device is that has left the scope', async () => {
    await door.deps.database.pool.query(`update twin set tags = '{"site": "south", "code": 5}' where device_id = 'd1'`)
    expect(idsIn(await listed('own'))).toEqual(['d0', 'd1'])
    for (const condition of [
      'tags.code > 4',
      'tags.code <= 5',
      'tags.code = 5',
      'NOT tags.code = 6',
      "deviceId = 'd1'",
    ]) {
      const page = await listed('own', `first: 10, filter: { queryCondition: "${condition}" }`)
      expect([condition, idsIn(page), page.totalCount]).toEqual([
        condition,
        expect.not.arrayContaining(['d1']),
        expect.any(Number),
      ])
      expect(page.totalCount).toBe(idsIn(page).length)
    }
    expect(idsIn(await listed('foreign'))).toEqual(['d0'])
    await door.deps.database.pool.query(`update twin set tags = '{"site": "north"}' where device_id = 'd1'`)
  })

  test('the rows of two viewers of one list are never those of the other', async () => {
    const both = await Promise.all([door.ask(list('foreign')), asNorth(list('foreign')), door.ask(list('foreign'))])
    expect(both.map(({ data }) => idsIn(Object(data.job).deviceJobs).length)).toEqual([3, 2, 3])
  })
})

describe('of a foreign job, a viewer with a scope', () => {
  const fields = `jobId name description labels { value } type status queryCondition createdBy maxDevices failureReason statusMessage throughput eta
    samples { time } blockers { reason } history { type actor reason }`
  const shown = async (jobId: string, authorization: string, selection = fields) => {
    const { data, errors } = await door.ask(`{ job(jobId: "${jobId}") { ${selection} } }`, {}, { authorization })
    return { job: Object(data.job), errors }
  }
  /** The fields that differ from what a viewer without a scope sees. */
  const hiddenIn = async (jobId: string) => {
    const [whole, part] = [(await shown(jobId, 'owner')).job, await shown(jobId, 'north')]
    expect(part.errors).toEqual([])
    return Object.fromEntries(
      Object.keys(whole)
        .filter((name) => JSON.stringify(whole[name]) !== JSON.stringify(part.job[name]))
        .map((name) => [name, part.job[name]]),
    )
  }

  test('sees neither its rate, its samples, its reasons nor its maximum, and everything else that describes no device', async () => {
    expect(await hiddenIn('foreign')).toEqual({
      maxDevices: null,
      throughput: null,
      eta: null,
      samples: null,
      blockers: [],
    })
    expect(await hiddenIn('own')).toEqual({})
  })

  test('sees that it is cancelled, by whom and when, but not why', async () => {
    await scheduleJob(door.deps, owner, {
      type: 'scheduleUpdateTwin',
      jobId: 'cancelled',
      queryCondition: '*',
      updateTwin: { tags: { secret: 7 } },
    })
    expect((await shown('cancelled', 'north')).job.blockers).toEqual([{ reason: 'SLOT' }])
    await cancelJob(door.deps, owner, 'cancelled', 'device d2 burns')
    expect(await hiddenIn('cancelled')).toEqual({
      statusMessage: null,
      throughput: null,
      samples: null,
      history: [
        { type: 'SCHEDULED', actor: 'iothubowner', reason: null },
        { type: 'CANCELLED', actor: 'iothubowner', reason: null },
      ],
    })
    await door.deps.database.pool.query(
      `update job set failure_reason = '3 devices match', matched_count = 3, retry_of = key, family_key = key,
         retry_selection = '{"status":["failed"]}'
       where id = 'cancelled'`,
    )
    const selection = 'failureReason matchedCount retrySelection { status }'
    expect((await shown('cancelled', 'owner', selection)).job).toEqual({
      failureReason: '3 devices match',
      matchedCount: 3,
      retrySelection: { status: ['FAILED'] },
    })
    expect((await shown('cancelled', 'north', selection)).job).toEqual({
      failureReason: null,
      matchedCount: null,
      retrySelection: null,
    })
  })

  test('does not see its payload or patch, and the error says which scope is missing', async () => {
    const method = 'cloudToDeviceMethod { methodName payload responseTimeoutInSeconds } updateTwin'
    const call = await shown('foreign', 'north', method)
    expect(call.job).toEqual({
      cloudToDeviceMethod: { methodName: 'reboot', payload: null, responseTimeoutInSeconds: expect.any(Number) },
      updateTwin: null,
    })
    expect(call.errors).toMatchObject([
      {
        message: 'Job "foreign" was not scheduled under your scope, so its payload is hidden.',
        path: ['job', 'cloudToDeviceMethod', 'payload'],
        extensions: { code: 'FORBIDDEN', missing: { scope: north } },
      },
    ])
    const patch = await shown('cancelled', 'north', 'updateTwin cloudToDeviceMethod { payload }')
    expect(patch.job).toEqual({ updateTwin: null, cloudToDeviceMethod: null })
    expect(patch.errors).toMatchObject([
      {
        message: 'Job "cancelled" was not scheduled under your scope, so its patch is hidden.',
        extensions: { code: 'FORBIDDEN', missing: { scope: north } },
      },
    ])
    expect((await shown('foreign', 'north', 'cloudToDeviceMethod { methodName }')).errors).toEqual([])
    expect((await shown('foreign', 'owner', method)).job.cloudToDeviceMethod.payload).toEqual({ secret: 7 })
  })
})

describe('counted over the devices of a viewer with a scope', () => {
  const counters = 'deviceCount pendingCount runningCount succeededCount failedCount cancelledCount'
  const fields = `outcome deviceJobStatistics { ${counters} } family { statistics { ${counters} } }
    failureGroups { code count share sample(first: 5) { deviceId } }`
  const read = async (jobId: string, authorization: string, selection = fields) => {
    const { data, errors } = await door.ask(`{ job(jobId: "${jobId}") { ${selection} } }`, {}, { authorization })
    return { job: Object(data.job), errors }
  }
  const none = { pendingCount: 0, runningCount: 0, succeededCount: 0, failedCount: 0, cancelledCount: 0 }

  beforeAll(async () => {
    await scheduleJob(door.deps, owner, {
      type: 'scheduleDeviceMethod',
      jobId: 'counted',
      queryCondition: '*',
      cloudToDeviceMethod: { methodName: 'reboot' },
    })
  })

  test('a foreign job has no devices before its start', async () => {
    const { job, errors } = await read('counted', 'north')
    expect(errors).toEqual([])
    expect(job).toEqual({
      outcome: null,
      deviceJobStatistics: { deviceCount: 0, ...none },
      family: { statistics: { deviceCount: 0, ...none } },
      failureGroups: [],
    })
  })

  test('each viewer gets the numbers of its own devices, also when all ask at once', async () => {
    const { deps } = door
    await start(deps, 'counted')
    const [d0, d1, d2] = ['d0', 'd1', 'd2'].map((deviceId) => ({ jobId: 'counted', deviceId }))
    if (d0 === undefined || d1 === undefined || d2 === undefined) throw new Error('no keys')
    await dispatch(deps, d0, d1, d2)
    const failed = { error: { code: 'GatewayTimeout', description: 'late' } }
    await answer(deps, { ...d0, ...failed }, { ...d1, response: { status: 200, payload: '1' } }, { ...d2, ...failed })
    const asked = ['owner', 'north', 'south', 'north', 'nowhere', 'owner']
    const answers = await Promise.all(asked.map((authorization) => read('counted', authorization)))
    expect(answers.flatMap(({ errors }) => errors)).toEqual([])
    const summary = ({ job }: { readonly job: Record<string, Record<string, unknown>> }) => [
      job.deviceJobStatistics?.deviceCount,
      job.deviceJobStatistics?.failedCount,
      Object(job.family).statistics.failedCount,
      Object(job.failureGroups).map(({ count, share, sample }: Record<string, unknown[]>) => [
        count,
        share,
        sample?.map((one) => Object(one).deviceId),
      ]),
    ]
    const ofAll = [3, 2, 2, [[2, 2 / 3, ['d0', 'd2']]]]
    const ofNorth = [2, 1, 1, [[1, 1 / 2, ['d0']]]]
    const ofSouth = [1, 1, 1, [[1, 1, ['d2']]]]
    expect(answers.map(summary)).toEqual([ofAll, ofNorth, ofSouth, ofNorth, [0, 0, 0, []], ofAll])
  })

  test('the outcome is that of the devices in the scope', async () => {
    await finish(door.deps)
    const outcomes = ['owner', 'north', 'south', 'nowhere'].map(
      async (authorization) => (await read('counted', authorization, 'outcome')).job.outcome,
    )
    expect(await Promise.all(outcomes)).toEqual(['PARTIALLY_FAILED', 'PARTIALLY_FAILED', 'FAILED', 'NO_DEVICES'])
  })

  test('a list has the same numbers', async () => {
    const list =
      '{ jobs(first: 9, filter: { jobIdPrefix: "counted" }) { nodes { outcome deviceJobStatistics { deviceCount failedCount } } } }'
    const { data, errors } = await door.ask(list, {}, { authorization: 'south' })
    expect(errors).toEqual([])
    expect(data.jobs).toEqual({
      nodes: [{ outcome: 'FAILED', deviceJobStatistics: { deviceCount: 1, failedCount: 1 } }],
    })
  })

  test('a deleted device counts for nobody with a scope', async () => {
    await deleteDevice(door.deps, everything, { deviceId: 'd2', ifMatch: '*' })
    expect((await read('counted', 'owner')).job.deviceJobStatistics.deviceCount).toBe(3)
    expect((await read('counted', 'south')).job.deviceJobStatistics.deviceCount).toBe(0)
  })

  test('a job with more than 20,000 devices is not counted, and each field says why', async () => {
    const { rows } = await door.deps.database.pool.query(
      `update job set device_count = 20001, succeeded_count = 20000, failed_count = 1 where id = 'counted' returning end_time`,
    )
    expect(rows).toEqual([{ end_time: expect.any(Date) }])
    const { job, errors } = await read('counted', 'north', `${fields} status`)
    expect(job).toEqual({
      outcome: null,
      deviceJobStatistics: null,
      family: { statistics: null },
      failureGroups: null,
      status: 'COMPLETED',
    })
    expect(errors.map(({ path }) => path)).toEqual(
      expect.arrayContaining([
        ['job', 'outcome'],
        ['job', 'deviceJobStatistics'],
        ['job', 'family', 'statistics'],
        ['job', 'failureGroups'],
      ]),
    )
    for (const { message, extensions } of errors) {
      expect(extensions).toEqual({
        code: 'LIMIT_EXCEEDED',
        limit: 'devices',
        maximum: 20_000,
        missing: { scope: north },
      })
      expect(message).toContain('more than 20,000 devices, so those in your scope are not counted.')
    }
    expect((await read('counted', 'owner')).errors).toEqual([])
  })
})

describe('a subscription of a viewer with a scope', () => {
  let port: OpenPort
  beforeAll(async () => {
    port = await openPort(door)
  })
  afterAll(() => port.close())

  const updates = async (authorization: string, query: string): Promise<Record<string, unknown>[]> => {
    const all: Record<string, unknown>[] = []
    for await (const { data, errors } of port.client({ authorization }).iterate({ query })) {
      expect(errors).toBeUndefined()
      all.push(Object(Object.values(Object(data))[0]))
    }
    return all
  }
  const ids = (found: readonly Record<string, unknown>[]) =>
    found.flatMap(({ deviceJobs }) => Object(deviceJobs).map(({ deviceId }: { deviceId: string }) => deviceId))

  test('gets the ended device jobs of its devices in a foreign job, and completes with the job', async () => {
    const { deps } = door
    await givenDevice('s1', 'south')
    await scheduleJob(deps, owner, {
      type: 'scheduleDeviceMethod',
      jobId: 'live',
      queryCondition: '*',
      cloudToDeviceMethod: { methodName: 'reboot' },
    })
    await start(deps, 'live')
    const ended = 'subscription { deviceJobEnded(jobId: "live") { cursor deviceJobs { deviceId } } }'
    const counted =
      'subscription { deviceJobStatistics(jobId: "live") { deviceJobStatistics { deviceCount succeededCount } } }'
    const following = Promise.all([
      updates('north', ended),
      updates('south', ended),
      updates('owner', ended),
      updates('north', counted),
      updates('south', counted),
    ])
    await expect.poll(() => door.server.openStreams()).toBe(5)
    const keys = ['d0', 'd1', 's1'].map((deviceId) => ({ jobId: 'live', deviceId }))
    await dispatch(deps, ...keys)
    await answer(deps, ...keys.map((key) => ({ ...key, response: { status: 200, payload: '1' } })))
    await finish(deps)
    const [north, south, all, countedNorth, countedSouth] = await following
    expect([ids(north), ids(south), ids(all)]).toEqual([['d0', 'd1'], ['s1'], ['d0', 'd1', 's1']])
    expect(countedNorth.at(-1)).toEqual({ deviceJobStatistics: { deviceCount: 2, succeededCount: 2 } })
    expect(countedSouth.at(-1)).toEqual({ deviceJobStatistics: { deviceCount: 1, succeededCount: 1 } })

    // A cursor of the whole list is one of the part too.
    const [{ cursor } = { cursor: '' }] = all
    const later = ended.replace('jobId: "live"', `jobId: "live", after: "${cursor}"`)
    expect(ids(await updates('north', later))).toEqual([])
  })

  test('is not held up by devices outside its scope, however many there are', async () => {
    const { deps } = door
    await givenDevices(deps, 'other', 1_100)
    await givenDevice('z', 'north')
    await scheduleJob(deps, owner, {
      type: 'scheduleDeviceMethod',
      jobId: 'large',
      queryCondition: "tags.fleet = 'other' OR deviceId = 'z'",
      cloudToDeviceMethod: { methodName: 'reboot' },
    })
    await start(deps, 'large')
    await cancelJob(deps, owner, 'large')
    // Without events, which would make it read again.
    const listen = vi.spyOn(deps.events, 'listen').mockReturnValue(() => () => {})
    const found: Record<string, unknown>[] = []
    updates('north', 'subscription { deviceJobEnded(jobId: "large") { deviceJobs { deviceId } } }').then((all) =>
      found.push(...all),
    )
    await expect.poll(() => ids(found)).toEqual(['z'])
    expect(listen).toHaveBeenCalledWith('job', 'large')
    listen.mockRestore()
  })
})
