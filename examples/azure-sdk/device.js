// A door: it locks when it is told to, and sends telemetry as often as its twin says.

import { Client } from 'azure-iot-device'
import { Mqtt } from 'azure-iot-device-mqtt'

const { DEVICE_CONNECTION_STRING } = process.env
if (!DEVICE_CONNECTION_STRING) throw new Error('DEVICE_CONNECTION_STRING is not set.')

const device = Client.fromConnectionString(DEVICE_CONNECTION_STRING, Mqtt)
await device.open()
console.log('connected')

device.onDeviceMethod('lockDoor', async (request, response) => {
  console.log(`lockDoor was called with ${JSON.stringify(request.payload)}`)
  await response.send(200, { locked: true, reason: request.payload?.reason })
})

const twin = await device.getTwin()

// The hub keeps what is desired while a device is away; this is called with it at once, and then with every change.
twin.on('properties.desired.telemetryInterval', (telemetryInterval) => {
  console.log(`telemetryInterval is to be ${telemetryInterval}`)
  twin.properties.reported.update({ telemetryInterval }, (error) => {
    if (error) console.error(`The hub did not take what was reported: ${error.message}`)
  })
})
