import { GraphQLError, GraphQLObjectType, GraphQLSchema, GraphQLString, parse } from 'graphql'
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import type { Context } from '../../../src/graphql/context.ts'
import { createSharedSubscribe } from '../../../src/graphql/live/shared-subscribe.ts'
import { createSource } from '../../../src/graphql/live/source.ts'
import { createStanding } from '../../../src/graphql/live/standing.ts'
import { createDocuments } from '../../../src/graphql/transport/documents.ts'
import { AnswerBudget } from '../../../src/limits/answer-budget.ts'
import { createTestClock } from '../../support/clock.ts'
import { givenDevices, givenMethodJob } from '../../support/rows.ts'
import { openDoor, owner, type TestDoor } from '../door.ts'
import { countStatements, start } from '../facts.ts'
import { type BareSocket, type OpenPort, openPort, until } from '../transport/sockets.ts'

const clock = createTestClock()
let door: TestDoor
let port: OpenPort
beforeAll(async () => {
  door = await openDoor({ clock, anonymous: undefined })
  await givenDevices(door.deps, 'pump', 1)
  await givenMethodJob(door.deps, 'pump', {}, { jobId: 'followed' })
  await start(door.deps, 'followed')
})
afterAll(() => door.close())
beforeEach(async () => {
  port = await openPort(door)
})
afterEach(async () => {
  await port.close()
  await until(() => door.server.openStreams() === 0)
})

/** A subscription on a socket of its own, and its first result. */
const subscribe = async (query: string, { variables = {}, policy = 'iothubowner' } = {}) => {
  const socket = await port.socket({ headers: { authorization: await door.token(policy) } })
  socket.send({ type: 'connection_init' })
  await socket.next()
  socket.send({ id: policy, type: 'subscribe', payload: { query, variables } })
  return { socket, first: await socket.next() }
}
const change = async () => {
  await door.deps.database.pool.query("update job set version = version + 1 where id = 'followed'")
  door.deps.events.publish('job', 'followed', { jobId: 'followed' })
}
const nextOf = (subscriptions: readonly { readonly socket: BareSocket }[]) =>
  Promise.all(subscriptions.map(({ socket }) => socket.next()))

/** One statement for the row, and one more for each execution. */
const nested = `subscription ($jobId: String!) {
  deviceJobStatistics(jobId: $jobId) { version job { deviceJobs(first: 1) { nodes { status } } } }
}`

test('an event is read once and executed once for all who ask the same thing', async () => {
  const variables = { jobId: 'followed' }
  const all = await Promise.all(Array.from({ length: 30 }, () => subscribe(nested, { variables })))
  for (let event = 0; event < 3; event++) {
    let results: Record<string, unknown>[] = []
    const statements = await countStatements(async () => {
      await change()
      results = await nextOf(all)
    })
    expect(statements).toBe(3) // with the change
    expect(new Set(results.map((result) => JSON.stringify(result)))).toHaveProperty('size', 1)
  }
})

test('those who come together share their first result', async () => {
  const sockets = await Promise.all(
    Array.from({ length: 30 }, async () => {
      const socket = await port.socket({ headers: { authorization: await door.token('iothubowner') } })
      socket.send({ type: 'connection_init' })
      await socket.next()
      return { socket }
    }),
  )
  const statements = await countStatements(async () => {
    for (const { socket } of sockets) {
      socket.send({ id: '1', type: 'subscribe', payload: { query: nested, variables: { jobId: 'followed' } } })
    }
    await nextOf(sockets)
  })
  expect(statements).toBeLessThan(30)
})

test('many first executions at once are not reported as a leak of listeners', async () => {
  const warnings: string[] = []
  const listen = ({ name }: Error) => warnings.push(name)
  process.on('warning', listen)
  onTestFinished(() => void process.off('warning', listen))
  // Each has its own first row, because the one before is being executed when it is read.
  const all: Promise<{ readonly socket: BareSocket }>[] = []
  for (let count = 0; count < 30; count++) {
    all.push(subscribe(nested, { variables: { jobId: 'followed' } }))
    await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(all)
  expect(warnings).toEqual([])
})

test('each id gets the result as its own message', async () => {
  const query = 'subscription { deviceJobStatistics(jobId: "followed") { version } }'
  const one = await subscribe(query)
  one.socket.send({ id: 'a "quoted" id', type: 'subscribe', payload: { query } })
  await one.socket.next()
  await change()
  const messages = [await one.socket.next(), await one.socket.next()]
  expect(messages.map(({ id }) => id).sort()).toEqual(['a "quoted" id', 'iothubowner'])
  expect(messages[0]?.payload).toEqual(messages[1]?.payload)
})

test('those who ask otherwise get what they ask for', async () => {
  const text = (field: string) => `subscription ($jobId: String!, $with: Boolean = false) {
    deviceJobStatistics(jobId: $jobId) { ${field} job @include(if: $with) { jobId } }
  }`
  const variables = { jobId: 'followed' }
  const all = [
    await subscribe(text('version'), { variables }),
    await subscribe(text('v: version'), { variables }),
    await subscribe(text('version'), { variables: { ...variables, with: true } }),
  ]
  await change()
  const fields = (await nextOf(all)).map(({ payload }) => Object.keys(Object(payload).data.deviceJobStatistics))
  expect(fields).toEqual([['version'], ['v'], ['version', 'job']])
})

test('an operation of another name in the same text is another', async () => {
  const query = `
    subscription A { deviceJobStatistics(jobId: "followed") { a: version } }
    subscription B { deviceJobStatistics(jobId: "followed") { b: version } }`
  const all: { readonly socket: BareSocket }[] = []
  for (const operationName of ['A', 'B']) {
    const socket = await port.socket({ headers: { authorization: await door.token('iothubowner') } })
    socket.send({ type: 'connection_init' })
    await socket.next()
    socket.send({ id: operationName, type: 'subscribe', payload: { query, operationName } })
    await socket.next()
    all.push({ socket })
  }
  await change()
  const fields = (await nextOf(all)).map(({ payload }) => Object.keys(Object(payload).data.deviceJobStatistics))
  expect(fields).toEqual([['a'], ['b']])
})

test('rights are never shared: who may not see a field does not, whoever else is told of the same event', async () => {
  const query = `subscription {
    deviceJobStatistics(jobId: "followed") {
      job { deviceJobs(first: 1) { nodes { device { deviceId authentication { type } } } } }
    }
  }`
  const all = [
    await subscribe(query, { policy: 'iothubowner' }),
    await subscribe(query, { policy: 'service' }),
    await subscribe(query, { policy: 'iothubowner' }),
    await subscribe(query, { policy: 'service' }),
  ]
  const seen = (messages: readonly Record<string, unknown>[]) =>
    messages.map(({ payload }) => {
      const { data, errors } = Object(payload)
      const [node] = data.deviceJobStatistics.job.deviceJobs.nodes
      return [node.device.authentication?.type ?? null, errors?.[0].extensions.code ?? null]
    })
  const expected = [
    ['SAS', null],
    [null, 'FORBIDDEN'],
    ['SAS', null],
    [null, 'FORBIDDEN'],
  ]
  expect(seen(all.map(({ first }) => first))).toEqual(expected)
  await change()
  expect(seen(await nextOf(all))).toEqual(expected)
})

test('who came before the rights of its policy were changed shares nothing with who comes after', async () => {
  const query = `subscription {
    deviceJobStatistics(jobId: "followed") { job { deviceJobs(first: 1) { nodes { device { authentication { type } } } } } }
  }`
  const saveRights = (rights: readonly string[]) =>
    door.deps.database.pool.query("update policy set rights = $1 where name = 'service'", [rights])
  const { rows } = await door.deps.database.pool.query("select rights from policy where name = 'service'")
  const before = await subscribe(query, { policy: 'service' })
  await saveRights(['serviceConnect', 'registryRead'])
  try {
    const after = await subscribe(query, { policy: 'service' })
    await change()
    const seen = (await nextOf([before, after])).map(({ payload }) => Object(payload).errors?.[0].extensions.code)
    expect(seen).toEqual(['FORBIDDEN', undefined])
  } finally {
    await saveRights(rows[0].rights)
  }
})

test('who leaves takes nothing from the others', async () => {
  const query = 'subscription { deviceJobStatistics(jobId: "followed") { version } }'
  const [first, second] = [await subscribe(query), await subscribe(query)]
  first.socket.raw.terminate()
  await until(() => door.server.openStreams() === 1)
  await change()
  expect(await second.socket.next()).toMatchObject({ type: 'next' })
})

test('the last to leave takes with it what they had in common', async () => {
  const groups: object[] = []
  const subscription = new GraphQLObjectType<unknown, Context>({
    name: 'Subscription',
    fields: {
      silence: {
        type: GraphQLString,
        subscribe: (_root, _args, { group }) => {
          groups.push(group)
          return createSource(
            () => {},
            () => {},
          )
        },
      },
    },
  })
  const query = new GraphQLObjectType({ name: 'Query', fields: { nothing: { type: GraphQLString } } })
  const schema = new GraphQLSchema({ query, subscription })
  const { execute } = createDocuments(schema)
  const open = createSharedSubscribe(execute, (error) => new GraphQLError(String(error)))
  const args = {
    schema,
    document: parse('subscription { silence }'),
    contextValue: {
      viewer: owner,
      standing: createStanding(),
      group: {},
      answer: new AnswerBudget(1),
      signal: new AbortController().signal,
    },
  }
  const join = async () => {
    const results = await open(args)
    if (!('return' in results)) throw new Error(JSON.stringify(results))
    return results
  }
  const early = [await join(), await join()]
  await early[0]?.return()
  const late = await join()
  await early[1]?.return()
  await late.return()
  await (await join()).return()
  const [first, second, third, fourth] = groups
  expect([second === first, third === first, fourth === first]).toEqual([true, true, false])
})
