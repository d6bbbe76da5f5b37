// Starts a hub with an empty database, registers a device, and runs the two programs against it.

import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createCommand } from '@commander-js/extra-typings'
import iothub from 'azure-iothub'
import { createApp } from '../../dist/app.js'
import { runCommand } from '../../dist/cli/run-command.js'
import { listenForStop } from '../../dist/cli/stop.js'
import { readConfig } from '../../dist/config.js'
import { removeDataFolder } from '../../dist/data-folder.js'
import { dialPort } from './port.js'

const deviceId = 'front-door'

await runCommand(
  createCommand('npm run example')
    .description(
      `Starts a hub with an empty database and runs two programs against it that know nothing but the SDKs of Azure
IoT Hub: a device and a back end. Takes less than a minute and leaves nothing.`,
    )
    .action(runExample),
)

/** Starts the hub, runs the programs, and removes the hub. */
async function runExample() {
  const { signal, hurry } = listenForStop()
  const ownerKey = randomBytes(32).toString('base64')
  const folder = await mkdtemp(join(tmpdir(), 'twincast-example-'))
  try {
    const ports = { HTTP_PORT: '0', HTTPS_PORT: '0', MQTT_PORT: '0', MQTTS_PORT: '0', METRICS_PORT: '0' }
    const settings = { ...ports, DATA_DIR: folder, IOTHUB_OWNER_KEY: ownerKey, LOG_LEVEL: 'warn' }
    const app = createApp(readConfig(settings, folder))
    hurry.addEventListener('abort', () => app.hurry())
    const addresses = await app.start()
    try {
      await runPrograms({ addresses, folder, ownerKey }, signal)
    } finally {
      await app.stop()
    }
  } finally {
    await removeDataFolder(folder)
  }
}

/** Runs both programs until the back end is through. */
async function runPrograms({ addresses, folder, ownerKey }, signal) {
  signal.throwIfAborted()
  const caFile = join(folder, 'ca.pem')
  const hub = `HostName=localhost;SharedAccessKeyName=iothubowner;SharedAccessKey=${ownerKey}`
  const httpsPort = new URL(addresses.https).port
  const mqttsPort = new URL(addresses.mqtts).port

  const registry = iothub.Registry.fromConnectionString(hub)
  dialPort(registry, Number(httpsPort), await readFile(caFile, 'utf8'))
  const { responseBody: device } = await registry.create({ deviceId })
  const { primaryKey } = device.authentication.symmetricKey
  console.log(`The hub is ready, and "${deviceId}" is registered.`)

  const door = startProgram('device', {
    DEVICE_CONNECTION_STRING: `HostName=localhost;GatewayHostName=localhost:${mqttsPort};DeviceId=${deviceId};SharedAccessKey=${primaryKey}`,
    NODE_EXTRA_CA_CERTS: caFile,
  })
  const backEnd = startProgram('back-end', {
    IOTHUB_CONNECTION_STRING: hub,
    IOTHUB_PORT: httpsPort,
    NODE_EXTRA_CA_CERTS: caFile,
  })
  const programs = [door, backEnd]
  const stopAll = () => Promise.all(programs.map((program) => program.stop()))
  signal.addEventListener('abort', stopAll)
  try {
    const first = await Promise.race(programs.map((program) => program.ended))
    signal.throwIfAborted()
    // The device goes on until it is stopped.
    if (first.name !== 'back-end' || first.code !== 0) throw new Error(`${first.name}.js ended with ${first.code}.`)
  } finally {
    signal.removeEventListener('abort', stopAll)
    await stopAll()
  }
}

/** A program of this folder in a process of its own, what it says shown behind its name. */
function startProgram(name, environment) {
  const child = spawn(process.execPath, [join(import.meta.dirname, `${name}.js`)], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  createInterface({ input: child.stdout }).on('line', (line) => console.log(`[${name}] ${line}`))
  createInterface({ input: child.stderr }).on('line', (line) => console.error(`[${name}] ${line}`))
  const ended = once(child, 'close').then(([code]) => ({ name, code }))
  return {
    ended,
    async stop() {
      child.kill()
      await ended
    },
  }
}
