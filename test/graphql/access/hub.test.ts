import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hubName, openDoor, type TestDoor } from '../door.ts'

let door: TestDoor
beforeAll(async () => {
  door = await openDoor({ anonymous: undefined, limits: { answerBytes: 4_000_000 } })
})
afterAll(() => door.close())

test('any caller may ask for the name, the version and the limits of the hub', async () => {
  const limits = 'pageSize requestBytes answerBytes documentTokens operationsPerSocket newDevices trustedDocumentsOnly'
  const query = `{ hub { name version limits { ${limits} } } }`
  const { data, errors } = await door.ask(query, {}, { authorization: await door.token('device') })
  expect(errors).toEqual([])
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
  expect(data.hub).toEqual({
    name: hubName,
    version,
    limits: {
      pageSize: 100,
      requestBytes: 262_144,
      answerBytes: 4_000_000,
      documentTokens: 2000,
      operationsPerSocket: 100,
      newDevices: 1000,
      trustedDocumentsOnly: false,
    },
  })
})

test('nobody learns about the hub without a token', async () => {
  expect((await door.ask('{ hub { version } }')).status).toBe(401)
})
