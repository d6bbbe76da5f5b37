// Starts an OpenID provider, a hub that accepts its tokens, simulated devices, and a page on another origin.

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCommand } from '@commander-js/extra-typings'
import { signSasToken } from '../../dist/access/sas.js'
import { createApp } from '../../dist/app.js'
import { createHubClient } from '../../dist/cli/hub-client.js'
import { wholeNumber } from '../../dist/cli/options.js'
import { registerDevices } from '../../dist/cli/register-devices.js'
import { runCommand } from '../../dist/cli/run-command.js'
import { listenForStop } from '../../dist/cli/stop.js'
import { readConfig } from '../../dist/config.js'
import { removeDataFolder } from '../../dist/data-folder.js'
import { createFleet } from '../../dist/simulator/fleet.js'
import { buildPage } from './page.js'
import { startProvider } from './provider.js'

const audience = 'https://hub.example'
const clientId = 'page'
/** Roles in addition to those that are built in. */
const roles = { 'north-viewer': { extends: 'viewer', devices: "tags.site = 'north'" } }
/** The page and the hub's console. Any port is accepted, because the addresses are of this machine (RFC 8252). */
const redirectUris = ['http://127.0.0.1/', 'http://127.0.0.1/console/signed-in', 'http://127.0.0.1/console/']

await runCommand(
  createCommand('npm run example:oidc --')
    .description(
      `Starts an OpenID provider, a hub with simulated devices, and a page on another origin where persons sign in.
Runs until Ctrl-C, and leaves nothing.`,
    )
    .addOption(
      wholeNumber('--token-seconds <S>', 'seconds for which a token is valid', { min: 5, max: 3_600 }).default(300),
    )
    .addOption(
      wholeNumber('--late-seconds <S>', 'seconds after which the last device connects, so that a job has to wait', {
        min: 0,
        max: 3_600,
      }).default(60),
    )
    .action(runExample),
)

/** Starts everything, and stops it after Ctrl-C. */
async function runExample({ tokenSeconds, lateSeconds }) {
  const { signal, hurry } = listenForStop()
  /** What has to be stopped, the latest first. */
  const started = []
  try {
    // The address of the page is part of the settings of the other two, so its port comes first.
    const page = createServer()
    await once(page.listen(0, '127.0.0.1'), 'listening')
    started.push(() => stopServer(page))
    const origin = `http://127.0.0.1:${page.address().port}`

    const provider = await startProvider({ audience, clientId, redirectUris, tokenSeconds })
    started.push(provider.stop)

    const folder = await mkdtemp(join(tmpdir(), 'twincast-oidc-'))
    started.push(() => removeDataFolder(folder))
    const rolesFile = join(folder, 'roles.json')
    await writeFile(rolesFile, JSON.stringify(roles))
    const ownerKey = randomBytes(32).toString('base64')
    const settings = {
      HTTP_PORT: '0',
      HTTPS_PORT: '0',
      MQTT_PORT: '0',
      MQTTS_PORT: '0',
      METRICS_PORT: '0',
      DATA_DIR: folder,
      IOTHUB_OWNER_KEY: ownerKey,
      LOG_LEVEL: 'warn',
      OIDC_ISSUER: provider.issuer,
      OIDC_AUDIENCE: audience,
      OIDC_CLIENT_ID: clientId,
      ROLES_FILE: rolesFile,
      ALLOWED_ORIGINS: origin,
    }
    const app = createApp(readConfig(settings, folder))
    hurry.addEventListener('abort', () => app.hurry())
    const addresses = await app.start()
    started.push(() => app.stop())
    signal.throwIfAborted()

    const fleet = await connectDevices(addresses, ownerKey, lateSeconds)
    started.push(() => fleet.close())

    page.on(
      'request',
      await buildPage({
        HUB_ORIGIN: new URL(addresses.http).origin,
        OIDC_ISSUER: provider.issuer,
        OIDC_CLIENT_ID: clientId,
        OIDC_AUDIENCE: audience,
      }),
    )
    signal.throwIfAborted()

    console.log(`The page      ${origin}/`)
    console.log(`The console   ${addresses.console}`)
    console.log(`The hub       ${addresses.graphql}`)
    console.log(`The provider  ${provider.issuer}`)
    console.log('Open the page, sign in, and schedule a job. Ctrl-C ends everything.')
    if (!signal.aborted) await once(signal, 'abort')
  } finally {
    for (const stop of started.reverse()) await stop()
  }
}

/** Registers devices and connects them. They take some seconds to answer a method call. */
async function connectDevices(addresses, ownerKey, lateAfter) {
  const expiry = Math.floor(Date.now() / 1_000) + 3_600
  const authorization = signSasToken({ resource: 'localhost', key: ownerKey, expiry, policyName: 'iothubowner' })
  const client = createHubClient({ url: addresses.graphql, authorization })
  try {
    const ids = Array.from({ length: 20 }, (_, index) => `pump-${String(index + 1).padStart(4, '0')}`)
    const site = (index) => (index % 2 === 0 ? 'north' : 'south')
    const { keys } = await registerDevices(
      client,
      ids.map((deviceId, index) => ({ deviceId, twin: { tags: { site: site(index) } } })),
    )
    const devices = ids.map((deviceId, index) => {
      const answering = { kind: 'answer', delayMs: 500 * index }
      const isLate = index === ids.length - 1
      const behaviour = isLate ? { kind: 'late', afterMs: 1_000 * lateAfter, answering } : answering
      return { deviceId, primaryKey: keys.get(deviceId), behaviour }
    })
    const { port } = new URL(addresses.mqtt)
    const fleet = createFleet({ host: '127.0.0.1', port: Number(port), hubName: 'localhost', devices })
    await fleet.connect()
    return fleet
  } finally {
    client.close()
  }
}

async function stopServer(server) {
  server.closeAllConnections()
  await new Promise((done) => server.close(done))
}
