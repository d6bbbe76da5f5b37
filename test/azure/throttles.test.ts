import { Agent } from 'node:https'
import { Registry } from 'azure-iothub'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'

// A hub whose limits are so narrow that the published service SDK runs into them.

const ownerKey = Buffer.alloc(32, 5).toString('base64')
let app: TestApp
let agent: Agent
beforeAll(async () => {
  app = await startApp({ IOTHUB_OWNER_KEY: ownerKey, THROTTLE: 'S1', THROTTLE_QUERIES: '1/min' })
  agent = new Agent({ keepAlive: true, port: Number(new URL(app.addresses.https).port), ca: app.ca })
})
afterAll(async () => {
  agent.destroy()
  await app.close()
})

test('the SDK sees a ThrottlingError, and the rest of the hub goes on', async () => {
  const registry = Registry.fromConnectionString(
    `HostName=localhost;SharedAccessKeyName=iothubowner;SharedAccessKey=${ownerKey}`,
  )
  Reflect.get(registry, '_restApiClient').setOptions({ http: { agent } })
  await registry.createQuery('SELECT * FROM devices').nextAsTwin()
  const refused = registry.createQuery('SELECT * FROM devices').nextAsTwin()
  await expect(refused).rejects.toMatchObject({ name: 'ThrottlingError' })
  await registry.create({ deviceId: 'pump' })
  expect((await registry.getTwin('pump')).responseBody.deviceId).toBe('pump')
})
