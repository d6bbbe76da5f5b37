import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

// A hub whose statements wait for a lock for longer than they may.

let database: TestDatabase
let app: TestApp
beforeAll(async () => {
  database = await createTestDatabase()
  app = await startApp({ DATABASE_URL: database.url, LIMIT_DATABASE_STATEMENT: '2000' })
})
afterAll(async () => {
  await app.close()
  await database.drop()
})

const askGraphql = (query: string) =>
  fetch(app.addresses.graphql, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
    body: JSON.stringify({ query }),
  })
const askRest = (method: 'GET' | 'PUT') =>
  fetch(`${app.addresses.http}/devices/pump?api-version=2021-04-12`, {
    method,
    headers: { authorization: app.ownerToken, 'content-type': 'application/json' },
    ...(method === 'PUT' && { body: '{"deviceId":"pump"}' }),
  })

test('requests that wait too long for a lock are told to come again, and no error is logged', async () => {
  const locker = await database.pool.connect()
  let answers: readonly Response[]
  try {
    await locker.query('begin')
    await locker.query('lock table device in access exclusive mode')
    answers = await Promise.all([
      askGraphql('{ device(deviceId: "pump") { deviceId } }'),
      askGraphql('mutation { createDevice(input: { deviceId: "pump" }) { __typename } }'),
      askRest('GET'),
      askRest('PUT'),
    ])
  } finally {
    await locker.query('rollback')
    locker.release()
  }
  expect(answers.map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual(Array(4).fill([503, '3']))
  const message = expect.stringContaining('waited too long for a lock. Retry later.')
  const [query, mutation, read, write] = await Promise.all(answers.map((response) => response.json()))
  const unavailable = { message, extensions: { code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 3 } }
  expect([query, mutation]).toMatchObject([{ errors: [unavailable] }, { errors: [unavailable] }])
  const inWordsOfIotHub = {
    Message: expect.stringMatching(/^ErrorCode:ServiceUnavailable;.* for a lock\. Retry later/),
  }
  expect([read, write]).toMatchObject([inWordsOfIotHub, inWordsOfIotHub])
  expect(app.errors.filter((line) => line.includes('request failed'))).toEqual([])
  expect([(await askRest('PUT')).status, (await askRest('GET')).status]).toEqual([200, 200])
})
