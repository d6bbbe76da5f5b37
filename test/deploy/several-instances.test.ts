import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { signSasToken } from '../../src/access/sas.ts'
import { loadOrMakeCertificate } from '../../src/tls/certificate.ts'
import { freePorts } from '../support/ports.ts'
import { findProgram } from '../support/programs.ts'
import { type RunningProxy, runProxy } from '../support/run-proxy.ts'
import { type Instance, openSeveralHubs, type SeveralHubs } from '../support/several-hubs.ts'

vi.setConfig({ testTimeout: 120_000 })

const example = readFileSync(new URL('../../deploy/haproxy/several-instances.cfg', import.meta.url), 'utf8')
const key = Buffer.alloc(32, 7).toString('base64')
const expiry = Math.floor(Date.now() / 1000) + 3_600
const deviceId = 'pump'

let hubs: SeveralHubs
let folder: string
let proxy: RunningProxy | undefined
beforeEach(async () => {
  hubs = await openSeveralHubs({
    HUB_HOST_NAME: 'hub.example',
    IOTHUB_OWNER_KEY: key,
    HTTPS_PORT: 'off',
    MQTT_PORT: 'off',
    TRUSTED_PROXIES: '127.0.0.1',
    PROXY_PROTOCOL: 'mqtts',
  })
  folder = await mkdtemp(join(tmpdir(), 'twincast-several-'))
})
afterEach(async () => {
  await proxy?.close()
  await hubs.close()
  await rm(folder, { recursive: true, force: true })
})

/** Runs the example in front of these instances; answers its ports and the authority of its certificate. */
async function runExample(one: Instance, two: Instance) {
  const [web = 0, devices = 0] = await freePorts(2)
  const pem = await loadOrMakeCertificate(folder, { hostNames: ['hub.example'], now: new Date() })
  await writeFile(join(folder, 'hub-with-key.pem'), pem.cert + pem.key)
  const portsOf = ({ addresses }: Instance) => ({
    http: new URL(addresses.http).port,
    mqtts: new URL(addresses.mqtts).port,
  })
  const places = [
    ['10.0.0.1', portsOf(one)],
    ['10.0.0.2', portsOf(two)],
  ] as const
  const changes: (readonly [string, string])[] = [
    ['bind :443 ', `bind 127.0.0.1:${web} `],
    ['bind :8883', `bind 127.0.0.1:${devices}`],
    ['/etc/twincast/', `${folder}/`],
    ...places.flatMap(([address, { http, mqtts }]) => [
      [`${address}:8884 send-proxy-v2 port 4000`, `127.0.0.1:${mqtts} send-proxy-v2 port ${http}`] as const,
      [`${address}:4000`, `127.0.0.1:${http}`] as const,
    ]),
  ]
  let configuration = example.replace(/^#.*\n/gm, '')
  for (const [from, to] of changes) {
    expect(configuration).toContain(from)
    configuration = configuration.replace(from, to)
  }
  proxy = await runProxy('haproxy', configuration, [web, devices])
  return { web, devices, ca: pem.ca }
}

test.skipIf(findProgram('haproxy') === undefined)(
  'HAProxy leads requests and devices away from an instance that gives notice, which still serves those that come',
  async () => {
    const [one, two] = [await hubs.start({ DRAIN_NOTICE_SECONDS: '300' }), await hubs.start()]
    const { web, devices, ca } = await runExample(one, two)
    const token = signSasToken({ resource: 'hub.example', key, expiry, policyName: 'iothubowner' })
    const ask = (path: string, { method = 'GET', body = '' } = {}): Promise<number> =>
      new Promise((resolve, reject) => {
        const headers = { host: `hub.example:${web}`, authorization: token, 'content-type': 'application/json' }
        const options = { host: '127.0.0.1', port: web, servername: 'hub.example', ca, agent: false, method, headers }
        const request = https.request({ ...options, path }, (response) => {
          response.resume()
          resolve(response.statusCode ?? 0)
        })
        request.on('error', reject).end(body)
      })
    /** The statuses of both instances, when both are led to. */
    const askBoth = async (): Promise<number[]> => [await ask('/readyz'), await ask('/readyz')]
    const device = { deviceId, authentication: { symmetricKey: { primaryKey: key, secondaryKey: key } } }
    const created = await ask(`/devices/${deviceId}?api-version=2021-04-12`, {
      method: 'PUT',
      body: JSON.stringify(device),
    })
    expect(created).toBe(200)
    expect(await askBoth()).toEqual([200, 200])
    /** Connects the device, and answers which instance has it. */
    const connect = async (): Promise<Instance> => {
      const client = await mqtt.connectAsync(`mqtts://127.0.0.1:${devices}`, {
        clientId: deviceId,
        username: `hub.example/${deviceId}/?api-version=2021-04-12`,
        password: signSasToken({ resource: `hub.example%2Fdevices%2F${deviceId}`, key, expiry }),
        rejectUnauthorized: false,
        protocolVersion: 4,
        reconnectPeriod: 0,
      })
      const metrics = await (await fetch(two.addresses.metrics)).text()
      await client.endAsync()
      return /^twincast_mqtt_connections 1$/m.test(metrics) ? two : one
    }

    one.send('SIGTERM')
    await one.logged('stopping')
    await expect.poll(askBoth).toEqual([200, 200])
    await expect.poll(connect).toBe(two)
    expect(await askBoth()).toEqual([200, 200])
    // Those that came before are still served.
    const headers = { host: 'hub.example', authorization: token }
    const served = await fetch(`${one.addresses.http}/devices/${deviceId}?api-version=2021-04-12`, { headers })
    expect(served.status).toBe(200)
    one.send('SIGTERM')
    expect(await one.ended).toBe(0)
    expect(await askBoth()).toEqual([200, 200])
  },
)
