import { parse, subscribe } from 'graphql'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { createDevices, deleteDevice, updateDevice } from '../../../src/device/commands.ts'
import { forgetPresence } from '../../../src/device/presence-commands.ts'
import { schema } from '../../../src/graphql/schema.ts'
import { createGraphqlServer, type GraphqlServer } from '../../../src/graphql/transport/server.ts'
import { everything } from '../../../src/scope.ts'
import { patchTwin } from '../../../src/twin/commands.ts'
import { connectRaw, primaryKey, type RawDevice, secondaryKey, startDoor, type TestDoor } from '../../mqtt/door.ts'
import { owner, viewerOf } from '../door.ts'
import { type OpenPort, openPort, until } from '../transport/sockets.ts'

const query = `subscription ($queryCondition: String) {
  devicePresenceChanged(queryCondition: $queryCondition) { initial devices { deviceId connectionState } deletedDeviceIds }
}`

let hub: TestDoor
let server: GraphqlServer
let port: OpenPort
beforeAll(async () => {
  hub = await startDoor()
  server = createGraphqlServer(hub.deps, { hostNames: [], anonymous: owner })
})
afterAll(async () => {
  await server.close()
  await hub.close()
})
beforeEach(async () => {
  port = await openPort({ server })
})
afterEach(async () => {
  await port.close()
  await until(() => server.openStreams() === 0)
})

/** Devices called `name-000` and so on, with the tag `fleet` set to their name. */
async function givenFleet(name: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, index) => `${name}-${String(index).padStart(3, '0')}`)
  await createDevices(
    hub.deps,
    everything,
    ids.map((deviceId) => ({
      deviceId,
      authentication: { symmetricKey: { primaryKey, secondaryKey } },
      twin: { tags: { fleet: name } },
    })),
  )
  return ids
}
const fleetOf = (name: string) => `tags.fleet = '${name}'`

/** The devices that a client is told of, as `name state`. */
type Told = {
  readonly initial: boolean
  readonly devices: readonly { deviceId: string; connectionState: string }[]
  readonly deletedDeviceIds: readonly string[]
}
const shown = ({ initial, devices, deletedDeviceIds }: Told): string => {
  const states = devices.map((device) => `${device.deviceId} ${device.connectionState}`)
  return `${initial ? 'initial' : 'changed'}: ${[...states, ...deletedDeviceIds.map((id) => `${id} deleted`)].join(', ')}`
}

/** Subscribes over a WebSocket. */
function watch(queryCondition?: string) {
  const results = port.client().iterate<{ devicePresenceChanged: Told }>({ query, variables: { queryCondition } })
  return async (): Promise<string> => {
    const { value } = await results.next()
    if (value.errors) throw new Error(JSON.stringify(value.errors))
    return shown(value.data.devicePresenceChanged)
  }
}

/** Subscribes without a socket that would take what is not asked for yet. */
async function watchSlowly(queryCondition: string, group: object = {}) {
  const results = await subscribe({
    schema,
    document: parse(query),
    variableValues: { queryCondition },
    contextValue: { deps: hub.deps, viewer: owner, signal: new AbortController().signal, streams: new Set(), group },
  })
  if (!(Symbol.asyncIterator in results)) throw new Error(JSON.stringify(results))
  return {
    async next(): Promise<string> {
      // As it would come out of a socket.
      const { data } = JSON.parse(JSON.stringify((await results.next()).value))
      return shown(data.devicePresenceChanged)
    },
    leave: () => results.return(undefined),
  }
}

const stateOf = async (deviceId: string): Promise<string> => {
  const { rows } = await hub.deps.database.pool.query('select connection_state from device where id = $1', [deviceId])
  return rows[0].connection_state
}
const connect = async (deviceId: string): Promise<RawDevice> => {
  const device = await connectRaw(hub.port, deviceId)
  await expect.poll(() => stateOf(deviceId)).toBe('connected')
  return device
}
const disconnect = async (deviceId: string, device: RawDevice): Promise<void> => {
  device.end()
  await expect.poll(() => stateOf(deviceId)).toBe('disconnected')
}

test('shows which devices are here, and then each that comes or goes', async () => {
  await givenFleet('live', 3)
  const first = await connect('live-000')
  const next = watch(fleetOf('live'))
  expect(await next()).toBe('initial: live-000 CONNECTED, live-001 DISCONNECTED, live-002 DISCONNECTED')
  const second = await connect('live-001')
  expect(await next()).toBe('changed: live-001 CONNECTED')
  first.end()
  expect(await next()).toBe('changed: live-000 DISCONNECTED')
  second.end()
  expect(await next()).toBe('changed: live-001 DISCONNECTED')
})

test('shows no device that does not meet the condition when it is told', async () => {
  await givenFleet('meets', 2)
  await givenFleet('others', 1)
  const next = watch(`${fleetOf('meets')} and connectionState = 'Connected'`)
  expect(await next()).toBe('initial: ')
  const other = await connect('others-000')
  const first = await connect('meets-000')
  expect(await next()).toBe('changed: meets-000 CONNECTED')
  await disconnect('meets-000', first)
  const second = await connect('meets-001')
  expect(await next()).toBe('changed: meets-001 CONNECTED')
  await disconnect('others-000', other)
  await disconnect('meets-001', second)
})

test('the present state comes in batches of 100, up to one that is not full', async () => {
  const ids = await givenFleet('many', 200)
  const updates = await watchSlowly(fleetOf('many'))
  const all = (from: number, to: number) =>
    `initial: ${ids
      .slice(from, to)
      .map((id) => `${id} DISCONNECTED`)
      .join(', ')}`
  expect(await updates.next()).toBe(all(0, 100))
  expect(await updates.next()).toBe(all(100, 200))
  expect(await updates.next()).toBe('initial: ')
  await updates.leave()
})

test('what changes while the present state is told comes after it, once each, as it is then', async () => {
  await givenFleet('slow', 150)
  const updates = await watchSlowly(fleetOf('slow'))
  const flapping = await connect('slow-001')
  const staying = await connect('slow-149')
  await disconnect('slow-001', flapping)
  expect(await updates.next()).toContain('initial: slow-000 DISCONNECTED') // read before all that
  expect(await updates.next()).toContain('slow-149 CONNECTED')
  expect(await updates.next()).toBe('changed: slow-001 DISCONNECTED, slow-149 CONNECTED')
  await updates.leave()
  await disconnect('slow-149', staying)
})

test('many changes that wait for a slow client come in batches of 100', async () => {
  const ids = await givenFleet('burst', 250)
  const updates = await watchSlowly(`${fleetOf('burst')} and deviceId != 'burst-007'`)
  for (let batch = 0; batch < 3; batch++) await updates.next()
  for (let times = 0; times < 3; times++) hub.deps.events.publish('presence', { deviceIds: ids })
  const counts: number[] = []
  for (let batch = 0; batch < 3; batch++) counts.push((await updates.next()).split(', ').length)
  expect(counts).toEqual([99, 100, 50])
  await updates.leave()
})

test('equal subscribers that keep up share what is read', async () => {
  const [deviceId = ''] = await givenFleet('shared', 1)
  const group = {}
  const watchers = await Promise.all([1, 2, 3].map(() => watchSlowly(fleetOf('shared'), group)))
  for (const watcher of watchers) await watcher.next()
  const read = vi.spyOn(hub.deps.db, 'boundedRead')
  hub.deps.events.publish('presence', { deviceIds: [deviceId] })
  for (const watcher of watchers) expect(await watcher.next()).toBe('changed: shared-000 DISCONNECTED')
  expect(read).toHaveBeenCalledTimes(1)
  read.mockRestore()
  for (const watcher of watchers) await watcher.leave()
})

test('what a killed run left behind is corrected at the next start, and shown', async () => {
  const [deviceId = ''] = await givenFleet('left', 1)
  const device = await connect(deviceId)
  const next = watch(fleetOf('left'))
  expect(await next()).toBe('initial: left-000 CONNECTED')
  await forgetPresence(hub.deps, hub.deps.lease.instanceId)
  expect(await next()).toBe('changed: left-000 DISCONNECTED')
  device.end()
})

test('a device that is deleted while its change waits is shown as deleted', async () => {
  await givenFleet('gone', 2)
  const updates = await watchSlowly(fleetOf('gone'))
  await updates.next()
  hub.deps.events.publish('presence', { deviceIds: ['gone-000', 'gone-001'] })
  await deleteDevice(hub.deps, everything, { deviceId: 'gone-000', ifMatch: '*' })
  await patchTwin(hub.deps, everything, { deviceId: 'gone-001', ifMatch: '*', patch: { tags: { site: 'north' } } })
  expect(await updates.next()).toBe('changed: gone-001 DISCONNECTED, gone-000 deleted')
  await updates.leave()
})

test('tells of devices that are deleted, here or by another instance, whatever the condition is', async () => {
  const [first = '', second = ''] = await givenFleet('deleted', 2)
  const next = watch(`${fleetOf('deleted')} and connectionState = 'Connected'`)
  expect(await next()).toBe('initial: ')
  await deleteDevice(hub.deps, everything, { deviceId: first, ifMatch: '*' })
  expect(await next()).toBe('changed: deleted-000 deleted')
  await hub.deps.database.pool.query('delete from device where id = $1', [second])
  hub.deps.events.receive('identity', [second])
  expect(await next()).toBe('changed: deleted-001 deleted')
})

test('many that are deleted while the client is slow come in batches of 100', async () => {
  const ids = await givenFleet('cleared', 150)
  const updates = await watchSlowly(fleetOf('cleared'))
  for (let batch = 0; batch < 2; batch++) await updates.next()
  await hub.deps.database.pool.query('delete from device where id = any($1)', [ids])
  hub.deps.events.receive('identity', ids)
  hub.deps.events.receive('presence', ids)
  const told = [await updates.next(), await updates.next()].map((text) => text.match(/\S+ deleted/g)?.length)
  expect(told).toEqual([100, 50])
  await updates.leave()
})

test('shows a device whose identity was changed as it is then, also one that was deleted and made anew', async () => {
  const [deviceId = '', other = ''] = await givenFleet('changed', 2)
  const next = watch(fleetOf('changed'))
  await next()
  await updateDevice(hub.deps, everything, { deviceId, ifMatch: '*', status: 'disabled' })
  expect(await next()).toBe('changed: changed-000 DISCONNECTED')
  await hub.deps.database.pool.query('delete from device where id = $1', [other])
  await createDevices(hub.deps, everything, [{ deviceId: other, twin: { tags: { fleet: 'changed' } } }])
  hub.deps.events.receive('identity', [other])
  expect(await next()).toBe('changed: changed-001 DISCONNECTED')
})

test('equal subscribers share what is read of a deletion', async () => {
  const [deviceId = ''] = await givenFleet('shared-end', 1)
  const group = {}
  const watchers = await Promise.all([1, 2, 3].map(() => watchSlowly(fleetOf('shared-end'), group)))
  for (const watcher of watchers) await watcher.next()
  const read = vi.spyOn(hub.deps.db, 'boundedRead')
  await deleteDevice(hub.deps, everything, { deviceId, ifMatch: '*' })
  for (const watcher of watchers) expect(await watcher.next()).toBe('changed: shared-end-000 deleted')
  expect(read).toHaveBeenCalledTimes(1)
  read.mockRestore()
  for (const watcher of watchers) await watcher.leave()
})

test('when events of other instances may have been missed, the present state comes again from its beginning', async () => {
  const ids = await givenFleet('missed', 120)
  const updates = await watchSlowly(fleetOf('missed'))
  expect(await updates.next()).toContain('initial: missed-000')
  await hub.deps.database.pool.query('delete from device where id = $1', [ids[0]])
  hub.deps.events.lookAgain()
  expect(await updates.next()).toContain('initial: missed-001')
  expect(await updates.next()).toContain('initial: missed-101')
  hub.deps.events.publish('presence', { deviceIds: ids.slice(118) })
  expect(await updates.next()).toBe('changed: missed-118 DISCONNECTED, missed-119 DISCONNECTED')
  await updates.leave()
})

test('a condition that does not parse is an error of the request that says where', async () => {
  const error = await watch('tags.site = = 1')().catch((thrown) => thrown)
  const [{ extensions }] = JSON.parse(error.message)
  expect(extensions).toEqual({ code: 'QUERY_CONDITION', line: 1, column: 13 })
  expect(server.openStreams()).toBe(0)
})

test('who may read devices but no twins may watch all of them, and none by a condition', async () => {
  const guarded = createGraphqlServer(hub.deps, { hostNames: [], anonymous: viewerOf('registryRead') })
  const guardedPort = await openPort({ server: guarded })
  const ask = async (variables: Record<string, unknown>) => {
    const results = guardedPort.client().iterate<{ devicePresenceChanged: Told }>({ query, variables })
    const { value } = await results.next()
    await results.return?.()
    return value
  }
  expect((await ask({})).data.devicePresenceChanged.initial).toBe(true)
  expect((await ask({ queryCondition: "tags.site = 'north'" })).errors[0].extensions).toEqual({
    code: 'FORBIDDEN',
    missing: { right: 'readTwins' },
  })
  await guardedPort.close()
  await guarded.close()
})
