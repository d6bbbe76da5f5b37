import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Viewer } from '../../../src/access/viewer.ts'
import { createDevices } from '../../../src/device/commands.ts'
import { scheduleJob } from '../../../src/job/commands.ts'
import { scopeOf } from '../../../src/query/scope.ts'
import { openDoor, owner, personWith, type TestDoor } from '../door.ts'

const north = "tags.site = 'north'"
const rights = ['readDevices', 'readTwins', 'readJobs', 'writeTwins', 'writeJobs', 'invokeMethods'] as const

/** Who asks, by token: the person of the north, or whoever may do everything. */
const viewers: Readonly<Record<string, Viewer>> = {
  owner,
  north: personWith({ rights, scope: scopeOf([north]), name: 'nora', roles: ['north-operator'] }),
}

let door: TestDoor
beforeAll(async () => {
  door = await openDoor({ authenticate: async (token) => viewers[token ?? 'owner'] ?? owner })
  await createDevices(
    door.deps,
    ['north', 'north', 'south'].map((site, index) => ({ deviceId: `d${index}`, twin: { tags: { site } } })),
  )
  await scheduleJob(door.deps, owner, {
    type: 'scheduleDeviceMethod',
    jobId: 'foreign',
    queryCondition: '*',
    cloudToDeviceMethod: { methodName: 'reboot', payload: { secret: 7 } },
  })
})
afterAll(() => door.close())

const asNorth = (query: string) => door.ask(query, {}, { authorization: 'north' })

const cancel = (jobId: string) =>
  `mutation { result: cancelJob(input: { jobId: "${jobId}" }) { __typename ... on Error { code message } } }`
const retry = (jobId: string) =>
  `mutation { result: retryJob(input: { jobId: "${jobId}" }) { __typename ... on Error { code message } } }`

test('cancelling or retrying a foreign job is refused, and the error says which scope is missing', async () => {
  for (const document of [cancel('foreign'), retry('foreign')]) {
    const { errors } = await asNorth(document)
    expect(errors).toMatchObject([
      {
        message: 'Job "foreign" was not scheduled under your scope. You can neither cancel nor retry it.',
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
