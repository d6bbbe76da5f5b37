import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestClock } from '../support/clock.ts'
import { givenDevices } from '../support/rows.ts'
import { openDoor, type TestDoor } from './door.ts'

const once = { amount: 1, seconds: 60 }
let door: TestDoor
beforeAll(async () => {
  door = await openDoor({
    clock: createTestClock(),
    throttling: {
      registry: once,
      queries: once,
      twinUpdates: once,
      jobOperations: once,
      methods: { amount: 4, seconds: 60 },
    },
  })
  await givenDevices(door.deps, 'pump', 1)
})
afterAll(() => door.close())

const failure = '__typename ... on Error { message code } ... on LimitExceededError { retryAfterSeconds }'
const limitExceeded = { __typename: 'LimitExceededError', code: 'LIMIT_EXCEEDED', retryAfterSeconds: 60 }

test.each([
  ['createDevice', '{ deviceId: "d" }'],
  ['createDevices', '{ devices: [{ deviceId: "e" }] }'],
  ['updateDevice', '{ deviceId: "pump-0001" }'],
  ['deleteDevice', '{ deviceId: "f" }'],
  ['updateTwin', '{ deviceId: "pump-0001", patch: { tags: { a: 1 } } }'],
  ['scheduleDeviceMethod', '{ queryCondition: "*", cloudToDeviceMethod: { methodName: "reboot" } }'],
  ['scheduleTwinUpdate', '{ queryCondition: "*", updateTwin: { tags: { a: 1 } } }'],
  ['cancelJob', '{ jobId: "none" }'],
  ['retryJob', '{ jobId: "none" }'],
  ['invokeDeviceMethod', '{ deviceId: "pump-0001", methodName: "reboot" }'],
])('%s over the limit is a LimitExceededError', async (field, input) => {
  // The first may use up what there is.
  await door.ask(`mutation { ${field}(input: ${input}) { __typename } }`)
  const { data, errors } = await door.ask(`mutation { ${field}(input: ${input}) { ${failure} } }`)
  expect(errors).toEqual([])
  expect(data[field]).toMatchObject(limitExceeded)
})

test.each([
  ['device(deviceId: "pump-0001") { deviceId }'],
  ['devices(first: 1) { nodes { deviceId } }'],
  [`devices(queryCondition: "deviceId = 'x'", first: 1) { nodes { deviceId } }`],
  ['jobs(first: 1) { nodes { jobId } }'],
])('%s over the limit is an error of the request', async (field) => {
  await door.ask(`{ ${field} }`)
  const { errors } = await door.ask(`{ ${field} }`)
  expect(errors).toMatchObject([{ extensions: { code: 'LIMIT_EXCEEDED', retryAfterSeconds: 60 } }])
})

test('however many fields of one request ask, each counts', async () => {
  const strict = await openDoor({ clock: createTestClock(), throttling: { queries: { amount: 2, seconds: 60 } } })
  const fields = ['a', 'b', 'c'].map(
    (name) => `${name}: devices(queryCondition: "tags.x = 1", first: 1) { totalCount }`,
  )
  const { errors } = await strict.ask(`{ ${fields.join(' ')} }`)
  await strict.close()
  expect(errors).toMatchObject([{ path: ['c'], extensions: { code: 'LIMIT_EXCEEDED' } }])
})
