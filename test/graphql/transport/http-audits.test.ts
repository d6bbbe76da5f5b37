import { serverAudits } from 'graphql-http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDoor, type TestDoor } from '../door.ts'
import { type OpenPort, openPort } from './sockets.ts'

let door: TestDoor
let port: OpenPort
beforeAll(async () => {
  door = await openDoor()
  port = await openPort(door)
})
afterAll(async () => {
  await port.close()
  await door.close()
})

// A query string, even an empty one, leads past the handler of plain requests.
const audits = ['', '?'].flatMap((query) =>
  serverAudits({ url: () => `${port.url.replace(/^ws/, 'http')}${query}` }).map((audit) => ({ ...audit, query })),
)

// The whole list, so that an update of the package that brings less, or nothing, does not pass unseen.
test('there are audits of every level', () => {
  const levels = new Set(audits.map(({ name }) => name.split(' ', 1)[0]))
  expect(levels).toEqual(new Set(['MUST', 'SHOULD', 'MAY']))
  expect(audits.length).toBeGreaterThan(120)
})

test.each(audits)('$id: $name, at /graphql$query', async ({ fn }) => {
  expect(await fn()).toMatchObject({ status: 'ok' })
})
