import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import { findPahoPython } from '../support/programs.ts'
import { callRest, givenDevice, runClient } from './device.ts'

// Devices on Python's paho-mqtt, by TLS and by WebSocket: a client that nobody here wrote.

const python = findPahoPython()
const program = join(import.meta.dirname, 'paho_device.py')
let app: TestApp
let folder: string
let caFile: string
beforeAll(async () => {
  app = await startApp()
  folder = await mkdtemp(join(tmpdir(), 'twincast-paho-'))
  caFile = join(folder, 'ca.pem')
  await writeFile(caFile, app.ca)
})
afterAll(async () => {
  await app.close()
  await rm(folder, { recursive: true, force: true })
})

const transports = [
  { transport: 'tcp', port: () => app.mqttsPort },
  { transport: 'websockets', port: () => Number(new URL(app.addresses.https).port) },
]

test.runIf(python).for(transports)(
  'paho-mqtt by $transport is told of its twin, answers calls and reports 40 times at once',
  async ({ transport, port }) => {
    const { deviceId, userName, password } = await givenDevice(app, `paho-${transport}`)
    const device = runClient(python ?? '', [program, transport, String(port()), caFile, deviceId, userName, password])
    const next = async (): Promise<unknown> => JSON.parse(await device.nextLine())

    expect(await next()).toEqual({ connected: 0 })
    expect(await next()).toEqual({ granted: [1, 0, 0, 0] })

    const called = callRest(app, 'POST', `/twins/${deviceId}/methods`, { methodName: 'reboot', payload: { floor: 3 } })
    expect(await next()).toEqual({ method: 'reboot', payload: { floor: 3 } })
    expect(await called).toEqual({ status: 200, payload: { floor: 3 } })

    await callRest(app, 'PATCH', `/twins/${deviceId}`, { properties: { desired: { interval: 5 } } })
    expect(await next()).toEqual({
      topic: '$iothub/twin/PATCH/properties/desired',
      payload: { interval: 5, $version: 2 },
    })

    device.write('report\n')
    const answers = []
    for (let count = 0; count < 40; count++) answers.push(await next())
    expect(answers).toEqual(Array.from({ length: 40 }, (_, index) => ({ status: 204, request: String(index) })))
    device.write('read\n')
    expect(await next()).toEqual({ status: 200, request: 'twin' })
    await device.stop()
  },
)
