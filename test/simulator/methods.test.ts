import { expect, test } from 'vitest'
import { broker, device, first, fleetAt } from './setup.ts'

test('each device answers as its behaviour says, and the ledger holds every call', async () => {
  const hub = await broker()
  const calls: string[] = []
  const fleet = fleetAt(
    hub.port,
    [
      device('plain'),
      device('rich', { kind: 'answer', status: 201, payload: { level: 'é' } }),
      device('refuses', { kind: 'refuse', status: 404, payload: { error: 'no such method' } }),
    ],
    {},
    { onMethodRequest: (entry, payload) => calls.push(`${entry.methodName} ${payload}`) },
  )
  await fleet.connect()
  for (const deviceId of ['plain', 'rich', 'refuses']) hub.call(deviceId, 'setLevel', `r-${deviceId}`, '{"l":1}')
  await hub.until(() => hub.answers.length === 3)
  expect(hub.answers.toSorted((a, b) => a.status - b.status)).toStrictEqual([
    { deviceId: 'plain', status: 200, rid: 'r-plain', payload: 'null' },
    { deviceId: 'rich', status: 201, rid: 'r-rich', payload: '{"level":"é"}' },
    { deviceId: 'refuses', status: 404, rid: 'r-refuses', payload: '{"error":"no such method"}' },
  ])
  expect(calls).toStrictEqual(Array.from({ length: 3 }, () => 'setLevel {"l":1}'))
  expect(fleet.ledger.entries.map((entry) => [entry.deviceId, entry.rid, entry.methodName]).toSorted()).toStrictEqual(
    ['plain', 'refuses', 'rich'].map((deviceId) => [deviceId, `r-${deviceId}`, 'setLevel']),
  )
  expect(fleet.stats()).toMatchObject({ methodsReceived: 3, methodsAnswered: 3 })
})

test('a silent device receives and never answers, until told to', async () => {
  const hub = await broker()
  const fleet = fleetAt(hub.port, [device('d1', { kind: 'silent' })])
  await fleet.connect()
  hub.call('d1', 'm', 'a')
  hub.call('d1', 'm', 'a')
  // The answer to this cannot overtake one to the calls: they share a connection.
  await fleet.report('d1', {})
  expect(hub.answers).toStrictEqual([])
  expect(fleet.ledger.entries.map(({ rid }) => rid)).toStrictEqual(['a', 'a'])
  fleet.answerWith('d1', { kind: 'answer' })
  hub.call('d1', 'm', 'b')
  await hub.until(() => hub.answers.length > 0)
  expect(hub.answers.map(({ rid }) => rid)).toStrictEqual(['b'])
})

test('the ledger has the times at which devices answered, and none for a call without an answer', async () => {
  const hub = await broker()
  const fleet = fleetAt(hub.port, [device('d1', { kind: 'answer', delayMs: 5 }), device('d2', { kind: 'silent' })])
  await fleet.connect()
  hub.call('d1', 'm', 'answered')
  hub.call('d2', 'm', 'ignored')
  await hub.until(() => hub.answers.length === 1)
  await fleet.report('d2', {})
  const [answered, ignored] = fleet.ledger.entries.toSorted((one, other) => one.rid.localeCompare(other.rid))
  expect(answered?.answeredTime).toBeGreaterThanOrEqual(answered?.time ?? Number.POSITIVE_INFINITY)
  expect(ignored?.answeredTime).toBeUndefined()
})

test('a slow answer is overtaken by a quick one', async () => {
  const hub = await broker()
  const fleet = fleetAt(hub.port, [device('d1', { kind: 'answer', delayMs: { min: 300, max: 310 } })])
  await fleet.connect()
  hub.call('d1', 'm', 'slow')
  await fleet.report('d1', {})
  fleet.answerWith('d1', { kind: 'answer' })
  hub.call('d1', 'm', 'quick')
  await hub.until(() => hub.answers.length === 2)
  expect(hub.answers.map(({ rid }) => rid)).toStrictEqual(['quick', 'slow'])
})

test('an answer worked on while the connection broke goes out on the next', async () => {
  const hub = await broker()
  const [called, tell] = first<unknown>()
  const behaviour = { kind: 'answer', delayMs: 400 } as const
  const fleet = fleetAt(hub.port, [device('d1', behaviour)], {}, { onMethodRequest: tell })
  await fleet.connect()
  hub.call('d1', 'm', 'a')
  await called
  fleet.drop()
  await hub.until(() => hub.answers.length === 1)
  expect(fleet.stats()).toMatchObject({ connections: 2, methodsAnswered: 1 })
})

test('five hundred devices at once answer every call exactly once and leave politely', async () => {
  const hub = await broker()
  const devices = Array.from({ length: 500 }, (_, index) => device(`d${index}`))
  const fleet = fleetAt(hub.port, devices)
  await fleet.connect({ parallel: 500 })
  expect(fleet.stats()).toMatchObject({ devices: 500, connected: 500 })
  const rids: string[] = []
  for (const { deviceId } of devices) {
    for (const turn of [1, 2]) {
      rids.push(`${deviceId}.${turn}`)
      hub.call(deviceId, 'm', `${deviceId}.${turn}`)
    }
  }
  await hub.until(() => hub.answers.length >= rids.length)
  expect(hub.answers.map(({ deviceId, rid }) => [deviceId, rid]).toSorted()).toStrictEqual(
    rids.map((rid) => [rid.split('.')[0], rid]).toSorted(),
  )
  expect(fleet.ledger.entries.map(({ rid }) => rid).toSorted()).toStrictEqual(rids.toSorted())
  await fleet.close()
  await hub.until(() => hub.clients.size === 0)
  expect(fleet.stats()).toMatchObject({ connected: 0, drops: 0, errors: 0 })
})
