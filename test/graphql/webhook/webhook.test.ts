import { afterAll, beforeAll, expect, test } from 'vitest'
import { rights } from '../../../src/access/rights.ts'
import type { Viewer } from '../../../src/access/viewer.ts'
import { scopeOf } from '../../../src/query/scope.ts'
import { isSecret } from '../../../src/webhook/secret.ts'
import { givenMethodJob } from '../../support/rows.ts'
import { openDoor, owner, personWith, type TestDoor } from '../door.ts'
import { start } from '../facts.ts'

let door: TestDoor
const scoped = personWith({ rights, scope: scopeOf(["tags.site = 'north'"]) })
const operator = personWith({ rights: rights.filter((right) => right !== 'manageWebhooks') })
const viewers: Readonly<Record<string, Viewer>> = { scoped, operator }
beforeAll(async () => {
  door = await openDoor({
    limits: { webhooks: 3 },
    authenticate: async (name = 'owner') => viewers[name] ?? owner,
  })
})
afterAll(() => door.close())

const create = `mutation ($input: CreateWebhookInput!) {
  createWebhook(input: $input) {
    ... on CreateWebhookPayload { secret webhook { id webhookId url events description enabled createdBy } }
    ... on Error { code message }
    ... on InvalidInputError { path }
  }
}`
const url = 'https://example.com/hook?token=s3cr3t'

type Created = { readonly secret: string; readonly webhook: { readonly id: string; readonly webhookId: string } }

async function givenWebhook(): Promise<Created> {
  const { data } = await door.ask(create, { input: { url, events: ['JOB_ENDED', 'JOB_STARTED'], description: 'ops' } })
  return data.createWebhook as Created
}

/** A delivery of a new job to a webhook. */
async function givenDelivery(webhookId: string, status: string): Promise<string> {
  const jobId = await givenMethodJob(door.deps, 'nobody')
  await start(door.deps, jobId)
  const { rows } = await door.deps.database.pool.query<{ id: string }>(
    `update webhook_delivery set status = $1, attempts = 3, error = 'status', response_status = 500, response_text = 'no'
     from job where job.key = job_key and job.id = $2 and webhook_id = $3 returning webhook_delivery.id`,
    [status, jobId, webhookId],
  )
  return rows[0]?.id ?? ''
}

test('a webhook is created, shown without its secret, changed and deleted', async () => {
  const created = await givenWebhook()
  const { webhookId } = created.webhook
  expect(created).toEqual({
    secret: expect.any(String),
    webhook: {
      id: expect.any(String),
      webhookId: expect.any(String),
      url,
      events: ['JOB_STARTED', 'JOB_ENDED'],
      description: 'ops',
      enabled: true,
      createdBy: owner.name,
    },
  })
  expect(isSecret(created.secret)).toBe(true)

  const update = `mutation ($input: UpdateWebhookInput!) {
    updateWebhook(input: $input) { ... on UpdateWebhookPayload { webhook { url events enabled } } ... on Error { code } }
  }`
  const changed = await door.ask(update, {
    input: { webhookId, enabled: false, events: ['JOB_RESUMED', 'JOB_PAUSED'] },
  })
  expect(changed.data.updateWebhook).toEqual({
    webhook: { url, events: ['JOB_PAUSED', 'JOB_RESUMED'], enabled: false },
  })
  const unknown = await door.ask(update, { input: { webhookId: 'no-such-webhook', enabled: false } })
  expect(unknown.data.updateWebhook).toEqual({ code: 'NOT_FOUND' })

  const read = `query ($webhookId: String!, $id: ID!) {
    webhook(webhookId: $webhookId) { enabled }
    node(id: $id) { ... on Webhook { webhookId } }
    webhooks(first: 10) { nodes { webhookId } }
  }`
  const { data } = await door.ask(read, { webhookId, id: created.webhook.id })
  expect(data).toEqual({
    webhook: { enabled: false },
    node: { webhookId },
    webhooks: { nodes: [{ webhookId }] },
  })

  const rotate = `mutation ($input: RotateWebhookSecretInput!) {
    rotateWebhookSecret(input: $input) { ... on RotateWebhookSecretPayload { secret webhook { webhookId } } }
  }`
  const rotated = await door.ask(rotate, { input: { webhookId } })
  expect(rotated.data.rotateWebhookSecret).toEqual({ secret: expect.stringMatching(/^whsec_/), webhook: { webhookId } })
  expect(JSON.stringify(rotated.data)).not.toContain(created.secret)

  const remove = `mutation ($input: DeleteWebhookInput!) {
    deleteWebhook(input: $input) { ... on DeleteWebhookPayload { id webhookId } ... on Error { code } }
  }`
  const deleted = await door.ask(remove, { input: { webhookId } })
  expect(deleted.data.deleteWebhook).toEqual({ id: created.webhook.id, webhookId })
  const again = await door.ask(remove, { input: { webhookId } })
  expect(again.data.deleteWebhook).toEqual({ code: 'NOT_FOUND' })
})

test('the audit has every change, without secrets and the path of the address', async () => {
  const { secret, webhook } = await givenWebhook()
  const { data } = await door.ask(`{
    auditLog(first: 1, filter: { operation: ["createWebhook"] }) { nodes { outcome detail } }
  }`)
  expect(data.auditLog).toEqual({
    nodes: [
      {
        outcome: 'SUCCEEDED',
        detail: {
          webhookId: webhook.webhookId,
          origin: 'https://example.com',
          events: ['job.ended', 'job.started'],
          enabled: true,
        },
      },
    ],
  })
  const { rows } = await door.deps.database.pool.query('select * from audit_entry')
  expect(JSON.stringify(rows)).not.toContain(secret.slice('whsec_'.length))
  expect(JSON.stringify(rows)).not.toContain('s3cr3t')
})

test('dead letters are listed with their reason, page by page, and delivered again', async () => {
  const { webhookId } = (await givenWebhook()).webhook
  const dead = [await givenDelivery(webhookId, 'dead'), await givenDelivery(webhookId, 'dead')]
  await givenDelivery(webhookId, 'delivered')
  const list = `query ($webhookId: String!, $first: Int!, $after: String, $status: [WebhookDeliveryStatus!]) {
    webhook(webhookId: $webhookId) {
      deliveries(first: $first, after: $after, filter: { status: $status }) {
        nodes { deliveryId status error responseStatus responseText attempts nextAttemptTime }
        pageInfo { hasNextPage endCursor }
      }
    }
  }`
  type Listed = {
    readonly webhook: {
      readonly deliveries: {
        readonly nodes: readonly { readonly deliveryId: string }[]
        readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string }
      }
    }
  }
  const read = async (variables: Record<string, unknown>) => {
    const { data } = await door.ask(list, { webhookId, ...variables })
    return (data as Listed).webhook.deliveries
  }
  const first = await read({ first: 1, status: ['DEAD'] })
  const rest = await read({ first: 5, status: ['DEAD'], after: first.pageInfo.endCursor })
  expect([first.pageInfo.hasNextPage, rest.pageInfo.hasNextPage]).toEqual([true, false])
  const found = [...first.nodes, ...rest.nodes]
  expect(found.map(({ deliveryId }) => deliveryId).sort()).toEqual([...dead].sort())
  expect(found[0]).toMatchObject({
    status: 'DEAD',
    error: 'STATUS',
    responseStatus: 500,
    responseText: 'no',
    attempts: 3,
    nextAttemptTime: null,
  })
  expect((await read({ first: 10, status: null })).nodes).toHaveLength(3)

  const again = `mutation ($deliveryId: String!) {
    redeliverWebhook(input: { deliveryId: $deliveryId }) {
      ... on RedeliverWebhookPayload { delivery { deliveryId status attempts nextAttemptTime } }
      ... on Error { code }
    }
  }`
  const { data } = await door.ask(again, { deliveryId: dead[0] })
  expect(data.redeliverWebhook).toEqual({
    delivery: { deliveryId: dead[0], status: 'PENDING', attempts: 0, nextAttemptTime: expect.any(String) },
  })
  expect((await door.ask(again, { deliveryId: 'x' })).data.redeliverWebhook).toEqual({ code: 'NOT_FOUND' })
})

test.each([
  ['an unknown scheme', { url: 'ftp://example.com', events: ['JOB_ENDED'] }, ['url']],
  ['a short secret', { url, events: ['JOB_ENDED'], secret: 'whsec_eA==' }, ['secret']],
  ['no event', { url, events: [] }, ['events']],
])('%s is an error with the path of the value', async (_name, input, path) => {
  const { data } = await door.ask(create, { input })
  expect(data.createWebhook).toEqual({ code: 'INVALID_INPUT', message: expect.any(String), path })
})

test('an unknown event is refused by the schema', async () => {
  const { errors } = await door.ask(create, { input: { url, events: ['JOB_EXPLODED'] } })
  expect(errors[0]?.message).toMatch(/JOB_EXPLODED/)
})

test('there are only as many webhooks as allowed', async () => {
  const results = await Promise.all([1, 2, 3].map(givenWebhook))
  const codes = results.map((result) => ('code' in result ? result.code : 'created'))
  const { rows } = await door.deps.database.pool.query('select from webhook')
  expect(rows).toHaveLength(3)
  expect(codes.filter((code) => code === 'CONFLICT').length).toBeGreaterThan(0)
})

test.each(['scoped', 'operator'])('%s may neither read nor change webhooks', async (name) => {
  const headers = { authorization: name }
  const read = await door.ask('{ webhooks(first: 1) { nodes { webhookId } } }', {}, headers)
  const change = await door.ask(create, { input: { url, events: ['JOB_ENDED'] } }, headers)
  for (const { errors } of [read, change]) expect(errors[0]?.extensions.code).toBe('FORBIDDEN')
})
