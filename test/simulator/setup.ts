import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import type { Behaviour, SimulatedDevice } from '../../src/simulator/behaviour.ts'
import { createFleet, type Fleet, type FleetDescription } from '../../src/simulator/fleet.ts'
import type { FleetListeners } from '../../src/simulator/fleet-context.ts'
import { type BrokerOptions, startBroker, type TestBroker } from './broker.ts'

export const primaryKey = 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='
export const hubName = 'hub.example.test'

/** A broker that stops after the test. */
export const broker = async (options: BrokerOptions = {}): Promise<TestBroker> => {
  const started = await startBroker(options)
  onTestFinished(started.stop)
  return started
}

/** A device, which answers 200 unless told otherwise. */
export const device = (deviceId: string, behaviour: Behaviour = { kind: 'answer' }): SimulatedDevice => ({
  deviceId,
  primaryKey,
  behaviour,
})

/** A fleet that is closed after the test. */
export const fleetAt = (
  port: number,
  devices: readonly SimulatedDevice[],
  settings: Partial<FleetDescription> = {},
  listeners: FleetListeners = {},
): Fleet => {
  const fleet = createFleet({ host: '127.0.0.1', port, hubName, devices, ...settings }, listeners)
  onTestFinished(fleet.close)
  return fleet
}

/** A promise and the listener that fulfils it. */
export const first = <T>(): [Promise<T>, (value: T) => void] => {
  let tell: (value: T) => void = () => {}
  const heard = new Promise<T>((resolve) => {
    tell = resolve
  })
  return [heard, tell]
}

/** A server that is no broker: it does with each connection what the test says. */
export const rawServer = async (serve: (socket: Socket) => void): Promise<number> => {
  const sockets: Socket[] = []
  const server: Server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    serve(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening')
  return address.port
}
