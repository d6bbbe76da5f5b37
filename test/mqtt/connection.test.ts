import { duplexPair } from 'node:stream'
import { Aedes } from 'aedes'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { type Connection, type Connections, createConnections, newConnection } from '../../src/mqtt/connection.ts'
import { controlIntake } from '../../src/mqtt/read-flow-control.ts'

// Connections of one device to one process, in the orders in which they may be let in. With the whole hub the older one
// has ended before, unless its device's row no longer named it.

let broker: Aedes
beforeAll(async () => {
  broker = await Aedes.createBroker()
})
afterAll(() => new Promise<void>((resolve) => broker.close(resolve)))

let connections: Connections
let ended: [id: string, wasOpen: boolean][]
beforeEach(() => {
  ended = []
  connections = createConnections(({ id }, wasOpen) => ended.push([id, wasOpen]))
})

/** A connection whose password is checked, and which was announced as the `announced`th. */
function admitted(id: string, announced: number, deviceId = 'pump'): Connection {
  const [near] = duplexPair()
  const connection = newConnection({
    id,
    deviceId,
    client: broker.handle(near),
    intake: controlIntake(near, { clock: systemClock }),
    password: '',
    certificate: undefined,
    modelId: '',
    will: undefined,
  })
  connections.add(connection)
  connection.announced = announced
  return connection
}
const open = () => [...connections.all()].map(({ id }) => id)

test('the newer connection of a device takes the place of the older one', () => {
  const older = admitted('older', 1)
  const newer = admitted('newer', 2)
  const other = admitted('other', 3, 'valve')
  for (const each of [older, other, newer]) connections.open(each)
  expect(ended).toEqual([['older', true]])
  expect([older.ended, newer.ended, other.ended]).toEqual([true, false, false])
  expect([connections.find('pump')?.id, connections.named('older'), connections.named('newer')?.id]).toEqual([
    'newer',
    undefined,
    'newer',
  ])
  expect([open().sort(), connections.size, connections.undecidedCount]).toEqual([['newer', 'other'], 2, 0])
})

test('an older connection that is let in after the newer one ends', () => {
  const older = admitted('older', 1)
  const newer = admitted('newer', 2)
  connections.open(newer)
  connections.open(older)
  expect(ended).toEqual([['older', false]])
  expect([older.ended, newer.ended, open(), connections.undecidedCount]).toEqual([true, false, ['newer'], 0])
})

test('a connection that has ended is not let in, and ends once', () => {
  const newer = admitted('newer', 2)
  const gone = admitted('gone', 3)
  connections.open(newer)
  connections.end(gone)
  connections.end(gone)
  connections.open(gone)
  expect(ended).toEqual([['gone', false]])
  expect([open(), connections.undecidedCount]).toEqual([['newer'], 0])
  connections.end(newer)
  expect(ended).toEqual([
    ['gone', false],
    ['newer', true],
  ])
  expect([open(), connections.size, connections.find('pump')]).toEqual([[], 0, undefined])
})
