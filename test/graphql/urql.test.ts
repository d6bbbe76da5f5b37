import { Client, fetchExchange } from '@urql/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { everything } from '../../src/scope.ts'
import { patchTwin } from '../../src/twin/commands.ts'
import { givenDevices } from '../support/rows.ts'
import { openDoor, type TestDoor } from './door.ts'
import { type OpenPort, openPort, until } from './transport/sockets.ts'

// urql over WebSockets is in examples/web-client, which test/examples runs.

let door: TestDoor
let port: OpenPort
beforeAll(async () => {
  door = await openDoor({ anonymous: undefined })
  port = await openPort(door)
  await givenDevices(door.deps, 'pump', 1)
})
afterAll(async () => {
  await port.close()
  await door.close()
})

const follow = 'subscription { twinUpdated(deviceId: "pump-0001") { version } }'

test('urql follows by server-sent events alone, and its leaving ends the subscription', async () => {
  const authorization = await door.token('iothubowner')
  const client = new Client({
    url: port.url.replace(/^ws/, 'http'),
    preferGetMethod: false,
    fetchSubscriptions: true,
    fetchOptions: { headers: { authorization } },
    exchanges: [fetchExchange],
  })
  const seen: unknown[] = []
  const { unsubscribe } = client
    .subscription(follow, {})
    .subscribe(({ data, error }) => seen.push(error ?? data?.twinUpdated.version))
  await until(() => seen.length === 1)
  await patchTwin(door.deps, everything, { deviceId: 'pump-0001', ifMatch: '*', patch: { tags: { a: 1 } } })
  await until(() => seen.length === 2)
  expect(seen).toEqual([1, 2])
  unsubscribe()
  await until(() => door.server.openStreams() === 0)
})
