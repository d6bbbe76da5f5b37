import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { makeKey } from '../src/access/commands.ts'
import { defaultPolicies } from '../src/access/policy.ts'
import { printPolicies } from '../src/access/policy-file.ts'
import { policyRights } from '../src/access/rights.ts'
import { signSasToken } from '../src/access/sas.ts'
import type { Addresses } from '../src/app.ts'
import { abortable } from '../src/cli/abortable.ts'
import { createHubClient, type HubClient } from '../src/cli/hub-client.ts'
import { createDb } from '../src/database/client.ts'
import { databaseName } from '../src/database/embedded/cluster.ts'
import { clusterIn, findPostgresHome } from '../src/database/embedded/home.ts'
import { serversOf } from '../src/database/servers.ts'
import { graphql } from '../src/generated/graphql/gql.ts'
import { defaultLimits } from '../src/limits/limits.ts'
import type { Target } from './attack-target.ts'
import { fleetInputs, idOf } from './attacked-fleet.ts'
import { settleTables } from './devices.ts'
import type { Conduct } from './measure.ts'
import type { Condition, Question } from './watched-hub-process.ts'

/** A whole hub in a process of its own, with an embedded PostgreSQL, tokens and devices. */
export type WatchedHub = {
  readonly target: Target
  /** The same hub, for attackers at the same time: each has a device of its own, for a device has one connection. */
  readonly targets: readonly Target[]
  /** `Authorization` of a service with a policy of its own. */
  readonly honestToken: string
  /** A service that may do everything. */
  readonly client: HubClient
  /** Its state now; with `watch` its event loop is watched from now on. */
  ask(question: Exclude<Question, 'stop'>): Promise<Condition>
  close(): Promise<void>
}

/** Devices whose keys are kept. */
const targetCount = 20

/** Base64 of the key of the policy that may do everything. */
const ownerKey = Buffer.from('the key of a benchmark').toString('base64')

/** The policy of the honest client: it is another caller than the attackers, who have the owner's. */
const honestPolicy = {
  name: 'honest',
  rights: new Set(policyRights),
  primaryKey: makeKey(),
  secondaryKey: makeKey(),
}

const CreateDevices = graphql(/* GraphQL */ `
  mutation BenchCreateDevices($input: CreateDevicesInput!) {
    createDevices(input: $input) {
      ... on CreateDevicesPayload {
        results {
          ... on CreateDevicePayload {
            device {
              deviceId
              authentication {
                symmetricKey {
                  primaryKey
                }
              }
            }
          }
        }
      }
    }
  }
`)

const token = (resource: string, key: string, policyName?: string): string =>
  signSasToken({
    resource: encodeURIComponent(resource),
    key,
    expiry: Math.floor(Date.now() / 1000) + 86_400,
    ...(policyName !== undefined && { policyName }),
  })

/** Starts it and registers `devices`; those of the first hundred have twins as large as IoT Hub takes. */
export async function openWatchedHub({ signal, say }: Conduct, devices: number): Promise<WatchedHub> {
  const folder = await mkdtemp(join(tmpdir(), 'twincast-bench-'))
  const policies = defaultPolicies.map((policy) => ({ ...policy, primaryKey: makeKey(), secondaryKey: makeKey() }))
  await writeFile(join(folder, 'policies.json'), printPolicies([...policies, honestPolicy]), { mode: 0o600 })
  const child = fork(fileURLToPath(new URL('./watched-hub-process.ts', import.meta.url)), {
    execArgv: [...process.execArgv, '--expose-gc'],
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      DATA_DIR: folder,
      IOTHUB_OWNER_KEY: ownerKey,
      GRAPHIQL: 'true',
      ...{ HTTP_PORT: '0', HTTPS_PORT: '0', MQTT_PORT: '0', MQTTS_PORT: '0', METRICS_PORT: '0' },
    },
  })
  const ended = once(child, 'exit')
  const fail = ended.then(() => {
    throw new Error('The process of the hub has ended.')
  })
  fail.catch(() => {})
  const started = abortable(Promise.race([once(child, 'message'), fail]), signal)
  const ask = async (question: Exclude<Question, 'stop'>): Promise<Condition> => {
    child.send(question)
    const [condition]: Condition[] = await abortable(Promise.race([once(child, 'message'), fail]), signal)
    if (condition === undefined) throw new Error('The hub did not answer.')
    return condition
  }
  let client: HubClient | undefined
  const close = async (): Promise<void> => {
    client?.close()
    if (child.connected) child.send('stop' satisfies Question)
    await ended
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const [addresses]: Addresses[] = await started
    if (addresses === undefined) throw new Error('The hub did not log its addresses.')
    client = createHubClient({
      url: addresses.graphql ?? '',
      authorization: token('localhost', ownerKey, 'iothubowner'),
    })
    say(`registering ${devices.toLocaleString('en')} devices`)
    const { execute } = client
    const keys: string[] = []
    for (const inputs of fleetInputs(devices)) {
      const { createDevices } = await execute(CreateDevices, { input: { devices: inputs } })
      for (const result of createDevices && 'results' in createDevices ? createDevices.results : []) {
        if (!('device' in result && result.device)) throw new Error('The devices could not be registered.')
        const key = result.device.authentication?.symmetricKey?.primaryKey ?? ''
        if (keys.length < targetCount) keys.push(key)
      }
    }
    await settle(folder, signal)
    // What the registering left on the heap is collected now, not while an attack is watched.
    await ask('weigh')
    const portOf = (address: string | undefined): number => Number(new URL(address ?? '').port)
    const shared = {
      httpPort: portOf(addresses.http),
      httpsPort: portOf(addresses.https),
      mqttPort: portOf(addresses.mqtt),
      mqttsPort: portOf(addresses.mqtts),
      serviceToken: token('localhost', ownerKey, 'iothubowner'),
    }
    const targets = keys.map((key, index) => {
      const deviceId = idOf(index)
      return { ...shared, device: { deviceId, password: token(`localhost/devices/${deviceId}`, key) } }
    })
    const [target] = targets
    if (target === undefined) throw new Error('There are no devices.')
    const honestToken = token('localhost', honestPolicy.primaryKey, honestPolicy.name)
    return { client, target, targets, honestToken, ask, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** What autovacuum and the checkpointer would do some time later, in the midst of a measurement. */
async function settle(folder: string, signal: AbortSignal): Promise<void> {
  const { home } = await findPostgresHome(folder)
  const [, , , port] = (await readFile(join(clusterIn(home), 'postmaster.pid'), 'utf8')).split('\n')
  const password = (await readFile(join(folder, 'database-password'), 'utf8')).trim()
  const url = `postgresql://${databaseName}:${password}@127.0.0.1:${port}/${databaseName}`
  const db = createDb(serversOf(url), {
    limits: defaultLimits,
    log: pino({ level: 'warn' }, pino.destination({ dest: 2, sync: true })),
  })
  try {
    await settleTables({ deps: { db }, signal })
  } finally {
    await db.close()
  }
}
