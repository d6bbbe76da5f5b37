import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { saveDeviceGroup } from '../../src/device-group/commands.ts'
import { builder } from '../../src/graphql/builder.ts'
import { schema } from '../../src/graphql/schema.ts'
import { pauseJob } from '../../src/job/commands.ts'
import { createJobSchedule, pauseJobSchedule } from '../../src/job-schedule/commands.ts'
import { createJobTemplate } from '../../src/job-template/commands.ts'
import { answerInvocation } from '../../src/method/call-commands.ts'
import { scopeOf } from '../../src/query/scope.ts'
import { createWebhook } from '../../src/webhook/commands.ts'
import { findDeliveries } from '../../src/webhook/delivery-store.ts'
import { deliveryStatuses } from '../../src/webhook/event.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { givenDevices, givenMethodJob, tester } from '../support/rows.ts'
import { openDoor, owner, personWith, type TestDoor } from './door.ts'
import { answer, dispatch, finish, start } from './facts.ts'
import { openPort } from './transport/sockets.ts'

// Every mutation is in the audit: with its change, when it is refused, and when it is denied.

let clock: TestClock
let door: TestDoor
const reader = personWith({ rights: ['readDevices', 'readTwins', 'readJobs'], name: 'reader' })
const mayReadKeys = ['readDevices', 'readKeys', 'readTwins'] as const
const people = {
  'Bearer anna': personWith({ rights: mayReadKeys, name: 'anna' }),
  'Bearer berta': personWith({ rights: mayReadKeys, name: 'berta' }),
  'Bearer reader': reader,
  'Bearer north': personWith({
    rights: ['readDevices', 'auditRead'],
    scope: scopeOf(["tags.site = 'north'"]),
    name: 'north',
  }),
}
beforeAll(async () => {
  clock = createTestClock()
  const found = new Map(Object.entries(people))
  door = await openDoor({ clock, authenticate: async (authorization = '') => found.get(authorization) ?? owner })
  await givenDevices(door.deps, 'pump', 3)
  door.deps.attached.attach('pump-0001', ({ deviceId, requestId }) => {
    queueMicrotask(() =>
      answerInvocation(door.deps, { deviceId, requestId, response: { status: 200, payload: 'null' } }),
    )
  })
})
afterAll(() => door.close())

/** The answer, whose data can be any. */
const ask = async (query: string, authorization = '') => {
  const { data, errors } = await door.ask(query, {}, { authorization })
  return { data: JSON.parse(JSON.stringify(data ?? null)), errors }
}

const entries = (operation: string) =>
  door.deps.db.prisma.auditEntry.findMany({ where: { operation }, orderBy: { key: 'asc' } })

type Input = Readonly<Record<string, unknown>>
type Row = {
  readonly input: () => Input | Promise<Input>
  /** What is refused, and its code. */
  readonly refused: Input
  readonly code: string
  readonly detail?: unknown
}

const condition = "tags.fleet = 'pump'"

/** An ended job of which all device jobs have failed. */
async function givenEndedJob(): Promise<string> {
  const queryCondition = "deviceId IN ['pump-0001', 'pump-0002']"
  const jobId = await givenMethodJob(door.deps, 'pump', {}, { queryCondition })
  await start(door.deps, jobId)
  const pumps = ['pump-0001', 'pump-0002'].map((deviceId) => ({ jobId, deviceId }))
  await dispatch(door.deps, ...pumps)
  await answer(door.deps, ...pumps.map((pump) => ({ ...pump, error: { code: 'GatewayTimeout', description: 'late' } })))
  await finish(door.deps)
  return jobId
}

const template = {
  queryCondition: condition,
  cloudToDeviceMethod: { methodName: 'reboot', payload: 'secret' },
  rollout: { maxPerMinute: 5 },
}

async function givenTemplate(): Promise<string> {
  const templateId = randomUUID()
  await createJobTemplate(door.deps, tester, { ...template, templateId })
  return templateId
}

const nightly = { cron: '0 2 * * *', timeZone: 'UTC' }

async function givenSchedule(): Promise<string> {
  const scheduleId = randomUUID()
  const policies = { onMissed: 'skip', onOverlap: 'skip' } as const
  await createJobSchedule(door.deps, owner, { ...nightly, ...policies, scheduleId, templateId: await givenTemplate() })
  return scheduleId
}

const url = 'https://receiver.example/secret'

async function givenWebhook(): Promise<string> {
  return (await createWebhook(door.deps, tester, { url, events: ['job.ended'] })).webhookId
}

/** A delivery of the end of a job. */
async function givenDelivery(): Promise<string> {
  const webhookId = await givenWebhook()
  await givenEndedJob()
  const statuses = deliveryStatuses
  const [delivery] = await findDeliveries(door.deps.db, webhookId, { statuses, after: undefined, limit: 1 })
  return delivery?.id ?? ''
}

const rows: Readonly<Record<string, Row>> = {
  createDevice: { input: () => ({ deviceId: 'new' }), refused: { deviceId: 'pump-0001' }, code: 'ALREADY_EXISTS' },
  createDevices: {
    input: () => ({ devices: [{ deviceId: 'many-1' }, { deviceId: 'pump-0001' }] }),
    refused: { devices: [] },
    code: 'INVALID_INPUT',
    detail: { devices: 2, deviceIds: ['many-1', 'pump-0001'], failures: 1 },
  },
  updateDevice: {
    input: () => ({ deviceId: 'pump-0001', statusReason: 'secret' }),
    refused: { deviceId: 'pump-0001', ifMatch: 'AAAAAAAAAAo=' },
    code: 'PRECONDITION_FAILED',
    detail: { changes: ['statusReason'] },
  },
  deleteDevice: { input: () => ({ deviceId: 'pump-0003' }), refused: { deviceId: 'nothing' }, code: 'NOT_FOUND' },
  updateTwin: {
    input: () => ({ deviceId: 'pump-0001', patch: { tags: { site: 'secret' }, properties: { desired: { on: 1 } } } }),
    refused: { deviceId: 'nothing', patch: { tags: { a: 1 } } },
    code: 'NOT_FOUND',
    detail: { members: 2, paths: ['tags.site', 'desired.on'] },
  },
  invokeDeviceMethod: {
    input: () => ({ deviceId: 'pump-0001', methodName: 'reboot', payload: 'secret' }),
    refused: { deviceId: 'pump-0002', methodName: 'reboot' },
    code: 'DEVICE_OFFLINE',
    detail: { methodName: 'reboot' },
  },
  scheduleDeviceMethod: {
    input: () => ({
      jobId: 'call',
      queryCondition: condition,
      cloudToDeviceMethod: { methodName: 'reboot', payload: 'secret' },
      rollout: {
        maxPerMinute: 600,
        waves: [{ queryCondition: condition }, { percent: 5, gate: { succeededPercent: 90, onFailure: 'CANCEL' } }, {}],
        abort: [{ on: ['FAILED', 'REFUSED'], percent: 2.5, action: 'PAUSE' }],
      },
    }),
    refused: { jobId: 'other', queryCondition: 'tags.', cloudToDeviceMethod: { methodName: 'reboot' } },
    code: 'QUERY_CONDITION',
    detail: {
      queryCondition: condition,
      methodName: 'reboot',
      rollout: {
        maxPerMinute: 600,
        waves: [
          { queryCondition: condition },
          { percent: 5, gate: { succeededPercent: 90, approval: false, onFailure: 'cancel' } },
          {},
        ],
        abort: [{ on: ['failed', 'refused'], percent: 2.5, afterDevices: 1, action: 'pause' }],
      },
    },
  },
  scheduleTwinUpdate: {
    input: () => ({
      jobId: 'patch',
      queryCondition: condition,
      updateTwin: { tags: { site: 'secret' } },
      rollout: { maxPerMinute: 5, approval: true },
    }),
    refused: { jobId: 'other', queryCondition: condition, updateTwin: {} },
    code: 'INVALID_INPUT',
    detail: {
      queryCondition: condition,
      members: 1,
      paths: ['tags.site'],
      rollout: { maxPerMinute: 5, approval: true },
    },
  },
  retryJob: {
    input: async () => ({ jobId: await givenEndedJob(), newJobId: 'again' }),
    refused: { jobId: 'nothing', newJobId: 'other' },
    code: 'NOT_FOUND',
  },
  cancelJob: {
    input: async () => ({
      jobId: await givenMethodJob(door.deps, 'pump', {}, { startTime: new Date('2026-01-02T00:00:00Z') }),
    }),
    refused: { jobId: 'nothing' },
    code: 'NOT_FOUND',
  },
  approveJob: {
    input: () => givenMethodJob(door.deps, 'pump', {}, { rollout: { approval: true } }).then((jobId) => ({ jobId })),
    refused: { jobId: 'nothing' },
    code: 'NOT_FOUND',
  },
  openWave: {
    input: async () => {
      const waves = [{ devices: 1 }, {}]
      const jobId = await givenMethodJob(door.deps, 'pump', {}, { rollout: { waves } })
      await start(door.deps, jobId)
      return { jobId, wave: 2 }
    },
    refused: { jobId: 'nothing', wave: 2 },
    code: 'NOT_FOUND',
    detail: { wave: 2 },
  },
  rejectJob: {
    input: () => givenMethodJob(door.deps, 'pump', {}, { rollout: { approval: true } }).then((jobId) => ({ jobId })),
    refused: { jobId: 'nothing' },
    code: 'NOT_FOUND',
  },
  cancelDeviceJobs: {
    input: async () => {
      const jobId = await givenMethodJob(door.deps, 'pump')
      await start(door.deps, jobId)
      return { jobId, queryCondition: condition, reason: 'secret' }
    },
    refused: { jobId: 'nothing', queryCondition: condition },
    code: 'NOT_FOUND',
    detail: { queryCondition: condition },
  },
  pauseJob: {
    input: () => givenMethodJob(door.deps, 'pump').then((jobId) => ({ jobId })),
    refused: { jobId: 'nothing' },
    code: 'NOT_FOUND',
  },
  updateJob: {
    input: () =>
      givenMethodJob(door.deps, 'pump').then((jobId) => ({
        jobId,
        name: 'Night',
        extendBySeconds: 60,
        rollout: { maxConcurrent: 5 },
      })),
    refused: { jobId: 'nothing', name: 'Night' },
    code: 'NOT_FOUND',
    detail: { name: 'Night', extendBySeconds: 60, rollout: { maxConcurrent: 5 } },
  },
  resumeJob: {
    input: async () => {
      const jobId = await givenMethodJob(door.deps, 'pump')
      await pauseJob(door.deps, tester, jobId)
      return { jobId }
    },
    refused: { jobId: 'nothing' },
    code: 'NOT_FOUND',
  },
  saveDeviceGroup: {
    input: () => ({ name: 'pumps', queryCondition: condition }),
    refused: { name: 'other', queryCondition: 'tags.' },
    code: 'QUERY_CONDITION',
    detail: { queryCondition: condition },
  },
  deleteDeviceGroup: {
    input: async () => {
      await saveDeviceGroup(door.deps, tester, { name: 'old', queryCondition: condition })
      return { name: 'old' }
    },
    refused: { name: 'nothing' },
    code: 'NOT_FOUND',
  },
  createJobTemplate: {
    input: () => ({ ...template, templateId: 'new', rollout: { maxPerMinute: 5, waves: [{ devices: 1 }, {}] } }),
    refused: { ...template, templateId: 'other', queryCondition: 'tags.' },
    code: 'QUERY_CONDITION',
    detail: {
      queryCondition: condition,
      methodName: 'reboot',
      rollout: { maxPerMinute: 5, waves: [{ devices: 1 }, {}] },
    },
  },
  updateJobTemplate: {
    input: async () => ({
      templateId: await givenTemplate(),
      queryCondition: '*',
      name: null,
      updateTwin: { tags: { site: 'secret' } },
    }),
    refused: { templateId: 'nothing' },
    code: 'NOT_FOUND',
    detail: {
      changes: ['name', 'queryCondition', 'updateTwin'],
      queryCondition: '*',
      members: 1,
      paths: ['tags.site'],
    },
  },
  deleteJobTemplate: {
    input: async () => ({ templateId: await givenTemplate() }),
    refused: { templateId: 'nothing' },
    code: 'NOT_FOUND',
  },
  scheduleFromTemplate: {
    input: async () => ({ templateId: await givenTemplate(), jobId: 'of-template' }),
    refused: { templateId: 'nothing', jobId: 'other' },
    code: 'NOT_FOUND',
    detail: { templateId: expect.any(String), methodName: 'reboot', rollout: { maxPerMinute: 5 } },
  },
  createJobSchedule: {
    input: async () => ({ ...nightly, templateId: await givenTemplate(), scheduleId: 'new' }),
    refused: { ...nightly, templateId: 'nothing', scheduleId: 'other' },
    code: 'NOT_FOUND',
  },
  updateJobSchedule: {
    input: async () => ({ scheduleId: await givenSchedule(), cron: '0 3 * * *', endTime: null, description: 'secret' }),
    refused: { scheduleId: 'nothing', cron: '0 3 * * *' },
    code: 'NOT_FOUND',
    detail: { changes: ['cron', 'description', 'endTime'], cron: '0 3 * * *' },
  },
  pauseJobSchedule: {
    input: async () => ({ scheduleId: await givenSchedule() }),
    refused: { scheduleId: 'nothing' },
    code: 'NOT_FOUND',
  },
  resumeJobSchedule: {
    input: async () => {
      const scheduleId = await givenSchedule()
      await pauseJobSchedule(door.deps, owner, scheduleId)
      return { scheduleId }
    },
    refused: { scheduleId: 'nothing' },
    code: 'NOT_FOUND',
  },
  deleteJobSchedule: {
    input: async () => ({ scheduleId: await givenSchedule() }),
    refused: { scheduleId: 'nothing' },
    code: 'NOT_FOUND',
  },
  createWebhook: {
    input: () => ({ url, events: ['JOB_ENDED'] }),
    refused: { url: 'receiver', events: ['JOB_ENDED'] },
    code: 'INVALID_INPUT',
  },
  updateWebhook: {
    input: async () => ({ webhookId: await givenWebhook(), url, enabled: false }),
    refused: { webhookId: 'nothing', enabled: false },
    code: 'NOT_FOUND',
    detail: { origin: 'https://receiver.example', enabled: false },
  },
  deleteWebhook: {
    input: async () => ({ webhookId: await givenWebhook() }),
    refused: { webhookId: 'nothing' },
    code: 'NOT_FOUND',
  },
  rotateWebhookSecret: {
    input: async () => ({ webhookId: await givenWebhook() }),
    refused: { webhookId: 'nothing' },
    code: 'NOT_FOUND',
  },
  redeliverWebhook: {
    input: async () => ({ deliveryId: await givenDelivery() }),
    refused: { deliveryId: 'nothing' },
    code: 'NOT_FOUND',
  },
}

const targetOf = ({ newJobId, jobId, deviceId, webhookId, deliveryId, scheduleId, templateId, name }: Input): unknown =>
  newJobId ?? jobId ?? deviceId ?? webhookId ?? deliveryId ?? scheduleId ?? templateId ?? name ?? null

test('every mutation has a row', () => {
  expect(Object.keys(schema.getMutationType()?.getFields() ?? {}).sort()).toEqual(Object.keys(rows).sort())
})

describe.each(Object.entries(rows))('%s', (operation, { input, refused, code, detail }) => {
  const type = `${operation.charAt(0).toUpperCase()}${operation.slice(1)}Input`
  const change = async (given: Input, authorization: string) => {
    clock.advance(1_000)
    const before = (await entries(operation)).length
    const answer = await door.ask(
      `mutation ($input: ${type}!) { ${operation}(input: $input) { __typename ... on Error { code message } } }`,
      { input: given },
      { authorization },
    )
    const added = (await entries(operation)).slice(before)
    return { answer, added }
  }

  test('is written with its change', async () => {
    const given = await input()
    const { answer, added } = await change(given, '')
    expect(answer.errors).toEqual([])
    expect(added).toMatchObject([
      {
        outcome: 'succeeded',
        code: null,
        target: targetOf(given),
        actor: 'iothubowner',
        actorKind: 'policy',
        address: '127.0.0.1',
        time: clock.now(),
      },
    ])
    if (detail !== undefined) expect(added[0]?.detail).toEqual(detail)
    expect(JSON.stringify(added[0]?.detail)).not.toContain('secret')
  })

  test('is written when it is refused', async () => {
    const { added } = await change(refused, '')
    expect(added).toMatchObject([{ outcome: 'refused', code, target: targetOf(refused), actor: 'iothubowner' }])
  })

  test('is written when it is denied', async () => {
    const { answer, added } = await change(refused, 'Bearer reader')
    expect(answer.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
    expect(added).toMatchObject([
      { outcome: 'denied', code: 'FORBIDDEN', actor: 'reader', actorKind: 'person', issuer: reader.issuer },
    ])
  })
})

test('an entry has the id that the hub generates for a job', async () => {
  const { data } = await ask(
    `mutation { scheduleDeviceMethod(input: { queryCondition: "*", cloudToDeviceMethod: { methodName: "m" } }) {
       ... on ScheduleJobPayload { job { jobId } } } }`,
  )
  const written = await entries('scheduleDeviceMethod')
  expect(written.at(-1)?.target).toBe(data.scheduleDeviceMethod.job.jobId)
})

test.each(['approveJob', 'rejectJob'])('an entry of %s has the wave that is decided', async (operation) => {
  const before = (await entries(operation)).length
  await ask(`mutation { ${operation}(input: { jobId: "nothing", wave: 2 }) { __typename } }`)
  expect((await entries(operation)).slice(before)).toMatchObject([{ target: 'nothing', detail: { wave: 2 } }])
})

test.each([
  ['the disk is full', '53100', 'SERVICE_UNAVAILABLE'],
  ['the table is broken', 'XX001', 'INTERNAL_SERVER_ERROR'],
])('a change whose entry cannot be written, because %s, is not made', async (_reason, state, code) => {
  const { pool } = door.deps.database
  await pool.query(`
    create function refuse() returns trigger language plpgsql as
      $$ begin raise exception using errcode = '${state}'; end $$;
    create trigger refuse before insert on audit_entry for each row when (new.target = 'unaudited')
      execute function refuse()`)
  const { errors } = await door.ask('mutation { createDevice(input: { deviceId: "unaudited" }) { __typename } }')
  await pool.query('drop function refuse cascade')
  expect(errors).toMatchObject([{ extensions: { code } }])
  expect(await door.deps.db.prisma.device.count({ where: { id: 'unaudited' } })).toBe(0)
})

test('a mutation cannot be declared without what the audit keeps of it', () => {
  builder.mutationField('forgotten', (t) =>
    // @ts-expect-error: `audit` is missing.
    t.field({ type: 'Boolean', description: 'Not in the schema, which is made already.', resolve: () => true }),
  )
  expect(schema.getMutationType()?.getFields()).not.toHaveProperty('forgotten')
})

describe('reading keys', () => {
  const read = async (query: string, authorization = '') => {
    const before = (await entries('readKeys')).length
    const answer = await door.ask(query, {}, { authorization })
    return { answer, added: (await entries('readKeys')).slice(before) }
  }
  const keys = 'authentication { symmetricKey { primaryKey } }'

  test('of one device is written, also through an alias and a fragment', async () => {
    const { answer, added } = await read(
      `{ device(deviceId: "pump-0001") { a: authentication { ...Keys } } }
       fragment Keys on DeviceAuthentication { k: symmetricKey { s: secondaryKey } }`,
      'Bearer anna',
    )
    expect(answer.data.device).toEqual({ a: { k: { s: expect.any(String) } } })
    expect(added).toMatchObject([{ target: 'pump-0001', outcome: 'succeeded', actor: 'anna', detail: null }])
  })

  test('of a list is written once, with the ids', async () => {
    const { added } = await read(`{ devices(first: 2) { nodes { ${keys} } } }`)
    expect(added).toMatchObject([{ target: null, detail: { devices: 2, deviceIds: ['many-1', 'new'] } }])
  })

  test('by node is written', async () => {
    const id = Buffer.from('Device:pump-0002').toString('base64url')
    const { added } = await read(`{ node(id: "${id}") { ... on Device { ${keys} } } }`)
    expect(added).toMatchObject([{ target: 'pump-0002' }])
  })

  test('in equal subscriptions of two persons is written for each of them', async () => {
    const port = await openPort(door)
    const query = `subscription { devicePresenceChanged(queryCondition: "deviceId = 'pump-0001'") { devices { ${keys} } } }`
    const before = (await entries('readKeys')).length
    const first = ['Bearer anna', 'Bearer berta'].map((authorization) =>
      port.client({ authorization }).iterate({ query }).next(),
    )
    for (const { value } of await Promise.all(first)) {
      const [device] = value.data.devicePresenceChanged.devices
      expect(device.authentication.symmetricKey.primaryKey).toEqual(expect.any(String))
    }
    const added = (await entries('readKeys')).slice(before)
    expect(added.map(({ actor, target }) => `${actor} ${target}`).sort()).toEqual(['anna pump-0001', 'berta pump-0001'])
    await port.close()
  })

  test('does not happen without the right, nor without the field', async () => {
    expect((await read(`{ device(deviceId: "pump-0001") { ${keys} } }`, 'Bearer reader')).added).toEqual([])
    expect((await read('{ device(deviceId: "pump-0001") { authentication { type } } }')).added).toEqual([])
  })

  test('is refused when it cannot be written', async () => {
    const { pool } = door.deps.database
    await pool.query("alter table audit_entry add constraint full_disk check (operation <> 'readKeys') not valid")
    const { answer } = await read(`{ device(deviceId: "pump-0001") { ${keys} } }`)
    await pool.query('alter table audit_entry drop constraint full_disk')
    expect(answer.errors).toHaveLength(1)
    expect(answer.data.device).toEqual({ authentication: { symmetricKey: null } })
  })
})

describe('auditLog', () => {
  const log = (argument: string, fields = 'nodes { operation target }', authorization = '') =>
    ask(`{ auditLog(${argument}) { ${fields} } }`, authorization)

  test('has the newest entries first, page by page, while others are added', async () => {
    const all = await door.deps.db.prisma.auditEntry.findMany({ orderBy: [{ time: 'desc' }, { key: 'desc' }] })
    const seen: string[] = []
    let after = ''
    for (;;) {
      const { data, errors } = await log(
        `first: 7${after}`,
        'edges { cursor node { operation target } } pageInfo { hasNextPage endCursor }',
      )
      expect(errors).toEqual([])
      for (const { node } of data.auditLog.edges) seen.push(`${node.operation} ${node.target}`)
      if (!data.auditLog.pageInfo.hasNextPage) break
      after = `, after: "${data.auditLog.pageInfo.endCursor}"`
      clock.advance(1_000)
      await door.ask('mutation { cancelJob(input: { jobId: "nothing" }) { __typename } }')
    }
    expect(seen).toEqual(all.map(({ operation, target }) => `${operation} ${target}`))
  })

  test('is filtered by all given fields', async () => {
    const { data } = await log(
      'first: 10, filter: { actor: "reader", operation: ["updateTwin", "cancelJob"], outcome: [DENIED], target: "nothing" }',
      'nodes { actor kind issuer subject operation target address outcome code detail }',
    )
    expect(data.auditLog.nodes).toEqual(
      ['cancelJob', 'updateTwin'].map((operation) => ({
        actor: 'reader',
        kind: 'PERSON',
        issuer: reader.issuer,
        subject: 'reader',
        operation,
        target: 'nothing',
        address: '127.0.0.1',
        outcome: 'DENIED',
        code: 'FORBIDDEN',
        detail: operation === 'cancelJob' ? null : { members: 1, paths: ['tags.a'] },
      })),
    )
    expect((await log('first: 1, filter: { subject: "nobody" }')).data.auditLog.nodes).toEqual([])
  })

  test('is limited to a time range, whose end is exclusive', async () => {
    const [entry] = await entries('createDevice')
    const from = entry?.time.toISOString()
    const to = new Date((entry?.time.getTime() ?? 0) + 1).toISOString()
    const within = (range: string) => log(`first: 5, filter: { time: { ${range} } }`)
    expect((await within(`from: "${from}", to: "${to}"`)).data.auditLog.nodes).toHaveLength(1)
    expect((await within(`from: "${from}", to: "${from}"`)).data.auditLog.nodes).toEqual([])
  })

  test('shows an entry again by its global id', async () => {
    const { data } = await log('first: 1', 'nodes { id operation time }')
    const [first] = data.auditLog.nodes
    const { id, ...others } = first
    const again = await door.ask(`{ node(id: "${id}") { ... on AuditEntry { operation time } } }`)
    expect(again.data.node).toEqual(others)
  })

  test.each([
    ['without a page size', '', 'INVALID_PAGE_SIZE'],
    ['with a page that is too large', '(first: 101)', 'INVALID_PAGE_SIZE'],
    [
      'with a cursor of another list',
      `(first: 1, after: "${Buffer.from('["jobs","x"]').toString('base64url')}")`,
      'INVALID_CURSOR',
    ],
  ])('is refused %s', async (_what, argument, code) => {
    const { errors } = await door.ask(`{ auditLog${argument} { nodes { operation } } }`)
    expect(errors).toMatchObject([{ extensions: { code } }])
  })

  test('is forbidden without the right, and to a viewer with a scope', async () => {
    expect((await log('first: 1', 'nodes { operation }', 'Bearer reader')).errors).toMatchObject([
      { extensions: { code: 'FORBIDDEN', missing: { right: 'auditRead' } } },
    ])
    expect((await log('first: 1', 'nodes { operation }', 'Bearer north')).errors).toMatchObject([
      { extensions: { code: 'FORBIDDEN', missing: { scope: "tags.site = 'north'" } } },
    ])
  })
})
