import { mkdtemp, rm } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createTestDatabase } from '../support/database.ts'
import { startHubProcess } from '../support/hub-process.ts'
import { openReceiver } from '../support/receiver.ts'

const jobs = ['ended-1', 'ended-2', 'ended-3']

type Deliveries = readonly { readonly jobId: string; readonly status: string; readonly attempts: number }[]

test('a hub that is killed during a delivery, and before others, delivers all of them after its start', {
  timeout: 300_000,
}, async () => {
  const database = await createTestDatabase()
  const folder = await mkdtemp(join(tmpdir(), 'twincast-webhooks-'))
  const receiver = await openReceiver()
  const start = () =>
    startHubProcess({
      DATABASE_URL: database.url,
      DATA_DIR: folder,
      HTTP_PORT: '0',
      HTTPS_PORT: '0',
      MQTT_PORT: '0',
      MQTTS_PORT: '0',
      METRICS_PORT: '0',
      WEBHOOK_ALLOW_PRIVATE: 'true',
      // One message is under way, so that the others are still to be sent when the hub is killed.
      LIMIT_WEBHOOK_DELIVERIES: '1',
      LIMIT_WEBHOOK_TIMEOUT: '60000',
    })
  let hub = await start()
  const ask = async (query: string) => {
    const response = await fetch(hub.addresses.graphql, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    })
    const { data, errors } = await response.json()
    expect(errors).toBeUndefined()
    return data
  }
  const deliveries = async (): Promise<Deliveries> => {
    const { webhooks } = await ask(
      '{ webhooks(first: 1) { nodes { deliveries(first: 10) { nodes { jobId status attempts } } } } }',
    )
    return webhooks.nodes[0].deliveries.nodes
  }
  try {
    const held: ServerResponse[] = []
    receiver.answer((response) => held.push(response))
    await ask(`mutation {
      createWebhook(input: { url: "${receiver.url}", events: [JOB_ENDED] }) { ... on Error { message } }
    }`)
    // Without devices they end as soon as they start.
    for (const jobId of jobs) {
      await ask(`mutation {
        scheduleDeviceMethod(
          input: { jobId: "${jobId}", queryCondition: "*", cloudToDeviceMethod: { methodName: "reboot" } }
        ) { ... on Error { message } }
      }`)
    }
    await receiver.count(1)
    while ((await deliveries()).length < jobs.length);
    const before = await deliveries()
    expect(before.map(({ attempts }) => attempts).sort()).toEqual([0, 0, 1])
    expect(new Set(before.map(({ status }) => status))).toEqual(new Set(['PENDING']))

    await hub.kill()
    receiver.answer((response) => response.writeHead(204).end())
    hub = await start()
    // Those that were not begun come first; the one that was comes when its lease is over.
    while ((await deliveries()).filter(({ status }) => status === 'DELIVERED').length < jobs.length - 1);
    const [broken] = receiver.received
    expect(receiver.received.slice(1).every(({ id }) => id !== broken?.id)).toBe(true)
    await ask(`mutation { redeliverWebhook(input: { deliveryId: "${broken?.id}" }) { ... on Error { message } } }`)
    await receiver.count(jobs.length + 1)
    while ((await deliveries()).some(({ status }) => status === 'PENDING'));

    const ids = receiver.received.map(({ id }) => id)
    expect(ids.at(-1)).toBe(broken?.id)
    expect(receiver.received.at(-1)?.body).toBe(broken?.body)
    expect(new Set(ids).size).toBe(jobs.length)
    const told = receiver.received.map(({ body }) => JSON.parse(body).data.jobId)
    expect([...new Set(told)].sort()).toEqual(jobs)
  } finally {
    await hub.stop()
    await receiver.close()
    await database.drop()
    await rm(folder, { recursive: true, force: true })
  }
})
