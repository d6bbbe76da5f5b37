import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

// A hub whose connections for reads are all in use for longer than a statement waits for one. Half of those that are
// configured serve reads with a time limit, so two are left.

const connections = 2
let database: TestDatabase
let app: TestApp
beforeAll(async () => {
  database = await createTestDatabase()
  app = await startApp({
    DATABASE_URL: database.url,
    LIMIT_DATABASE_READ_CONNECTIONS: String(2 * connections),
    LIMIT_DATABASE_WAIT: '2000',
  })
})
afterAll(async () => {
  await app.close()
  await database.drop()
})

const askGraphql = () =>
  fetch(app.addresses.graphql, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ device(deviceId: "pump") { deviceId } }' }),
  })
const askRest = () =>
  fetch(`${app.addresses.http}/devices?top=1&api-version=2021-04-12`, {
    headers: { authorization: app.ownerToken },
  })

/** How many reads wait for a lock, each with a connection of its own. */
async function stuckReads(): Promise<number> {
  const { rows } = await database.pool.query(
    `select 1 from pg_stat_activity
     where datname = current_database() and application_name = 'twincast reads' and wait_event_type = 'Lock'`,
  )
  return rows.length
}

test('a request that finds no connection in its time is told to come again, and the next one is served', async () => {
  const locker = await database.pool.connect()
  let answers: readonly Response[]
  let holding: readonly Promise<Response>[]
  try {
    await locker.query('begin')
    await locker.query('lock table device in access exclusive mode')
    holding = Array.from({ length: connections }, askGraphql)
    await expect.poll(stuckReads).toBe(connections)
    answers = await Promise.all([askGraphql(), askRest()])
  } finally {
    await locker.query('rollback')
    locker.release()
  }

  expect(answers.map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual([
    [503, '3'],
    [503, '3'],
  ])
  const [graphql, rest] = answers
  expect(await graphql?.json()).toMatchObject({
    errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 3 } }],
  })
  expect(rest?.headers.get('iothub-errorcode')).toBe('ServiceUnavailable')

  // Those that had a connection have waited for the lock only.
  for (const response of await Promise.all(holding)) expect(response.status).toBe(200)
  expect([(await askGraphql()).status, (await askRest()).status]).toEqual([200, 200])
})
