import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Right } from '../../../src/access/rights.ts'
import type { Viewer } from '../../../src/access/viewer.ts'
import { createDevice } from '../../../src/device/commands.ts'
import { scheduleJob } from '../../../src/job/commands.ts'
import { scopeOf } from '../../../src/query/scope.ts'
import { everything } from '../../../src/scope.ts'
import { openDoor, owner, personWith, type TestDoor, viewerOf } from '../door.ts'
import { answer, dispatch, start } from '../facts.ts'
import { type OpenPort, openPort, until } from '../transport/sockets.ts'

// Equal subscriptions share what is read and executed for them. Viewers who may not see the same never do.

const rights: readonly Right[] = ['readDevices', 'readTwins', 'readJobs']
const siteOf = (name: string) => scopeOf([`tags.site = '${name}'`])
const viewers: Readonly<Record<string, Viewer>> = {
  north: personWith({ rights, scope: siteOf('north') }),
  south: personWith({ rights, scope: siteOf('south') }),
  reader: personWith({ rights }),
  keeper: personWith({ rights: [...rights, 'readKeys'] }),
  guard: personWith({ rights, roles: ['guard'] }),
  service: viewerOf('service'),
}

let door: TestDoor
let port: OpenPort
beforeAll(async () => {
  door = await openDoor({ authenticate: async (token) => viewers[token ?? 'owner'] ?? owner })
  for (const site of ['north', 'south']) {
    await createDevice(door.deps, everything, { deviceId: site, twin: { tags: { site } } })
  }
})
afterAll(() => door.close())
beforeEach(async () => {
  port = await openPort(door)
})
afterEach(async () => {
  await port.close()
  await until(() => door.server.openStreams() === 0)
})

const query = `subscription {
  devicePresenceChanged { devices { deviceId authentication { symmetricKey { primaryKey } } } }
}`
type Device = { deviceId: string; authentication: { symmetricKey: { primaryKey: string } | null } | null }

/** The devices of each update, and whether their keys are shown. */
function watch(authorization: string) {
  const results = port.client({ authorization }).iterate<{ devicePresenceChanged: { devices: Device[] } }>({ query })
  return async (): Promise<string[]> => {
    const { value } = await results.next()
    const devices: Device[] = value.data.devicePresenceChanged.devices
    return devices.map(({ deviceId, authentication }) =>
      authentication?.symmetricKey == null ? deviceId : `${deviceId} with keys`,
    )
  }
}

test.each([
  ['scope', 'north', ['north'], 'south', ['south']],
  ['rights', 'reader', ['north', 'south'], 'keeper', ['north with keys', 'south with keys']],
])(
  'two viewers who differ in their %s never get the answer of the other',
  async (_what, one, ofOne, other, ofOther) => {
    const [nextOfOne, nextOfOther] = [watch(one), watch(other)]
    expect(await Promise.all([nextOfOne(), nextOfOther()])).toEqual([ofOne, ofOther])
    door.deps.events.publish('presence', { deviceIds: ['north', 'south'] })
    expect(await Promise.all([nextOfOne(), nextOfOther()])).toEqual([ofOne, ofOther])
  },
)

test.each([
  ['north', ['north']],
  ['south', ['south']],
  ['reader', ['north', 'south']],
])('requests at the same time are read for each viewer, here %s', async (viewer, expected) => {
  const list = '{ devices(first: 9) { totalCount nodes { deviceId } } }'
  const ask = (authorization: string) => door.ask(list, {}, { authorization })
  const [answer] = await Promise.all([viewer, ...Object.keys(viewers)].map(ask))
  expect(answer?.data).toEqual({
    devices: { totalCount: expected.length, nodes: expected.map((deviceId) => ({ deviceId })) },
  })
})

test('two viewers who may do the same by other names never get the errors of each other', async () => {
  const keys = 'subscription { devicePresenceChanged { devices { authentication { symmetricKey { primaryKey } } } } }'
  const grantors = ['reader', 'guard', 'service']
  const results = grantors.map((authorization) => port.client({ authorization }).iterate({ query: keys }))
  const messages = async () => {
    const nexts = await Promise.all(results.map((result) => result.next()))
    return nexts.map(({ value }) => String(value.errors?.[0]?.message).replace(/ not grant .*/, ''))
  }
  const expected = ['Your roles (tester) do', 'Your roles (guard) do', 'The policy "service" does']
  expect(await messages()).toEqual(expected)
  door.deps.events.publish('presence', { deviceIds: ['north'] })
  expect(await messages()).toEqual(expected)
})

test('what is counted and grouped of a job is kept for each scope', async () => {
  const jobId = 'job-of-both'
  await scheduleJob(door.deps, owner, {
    type: 'scheduleDeviceMethod',
    jobId,
    queryCondition: '*',
    cloudToDeviceMethod: { methodName: 'reboot' },
  })
  await start(door.deps, jobId)
  for (const deviceId of ['north', 'south']) {
    await dispatch(door.deps, { jobId, deviceId })
    await answer(door.deps, { jobId, deviceId, error: { code: `Code-${deviceId}`, description: deviceId } })
  }
  const query = `{ job(jobId: "${jobId}") {
    deviceJobStatistics { failedCount }
    family { statistics { failedCount } }
    failureGroups { code sample { deviceId } }
  } }`
  const shown = async (authorization: string) => {
    const { data, errors } = await door.ask(query, {}, { authorization })
    expect(errors).toEqual([])
    return data.job
  }
  const of = (...sites: readonly string[]) => ({
    deviceJobStatistics: { failedCount: sites.length },
    family: { statistics: { failedCount: sites.length } },
    failureGroups: sites.map((site) => ({ code: `Code-${site}`, sample: [{ deviceId: site }] })),
  })
  // The first requests fill what is kept, the second ones find it.
  for (const _time of ['first', 'second']) {
    expect(await Promise.all(['north', 'south', 'reader'].map(shown))).toEqual([
      of('north'),
      of('south'),
      of('north', 'south'),
    ])
  }
})
