import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Right } from '../../../src/access/rights.ts'
import { builtInRoles } from '../../../src/access/roles.ts'
import type { Viewer } from '../../../src/access/viewer.ts'
import { systemClock } from '../../../src/clock.ts'
import { createDevices } from '../../../src/device/commands.ts'
import { schema } from '../../../src/graphql/schema.ts'
import { createTrustedDocuments } from '../../../src/graphql/transport/trusted-documents.ts'
import { scheduleJob } from '../../../src/job/commands.ts'
import { scopeOf } from '../../../src/query/scope.ts'
import { everything } from '../../../src/scope.ts'
import { reportProperties } from '../../../src/twin/commands.ts'
import { openDoor, owner, personWith, type TestDoor } from '../door.ts'
import { answer, dispatch, start } from '../facts.ts'
import { type OpenPort, openPort, until } from '../transport/sockets.ts'
import { globalIdOf, type Operation, operations, textFor } from './operations.ts'
import { togetherWith } from './together.ts'

// Every field and argument, for every role, on devices inside and outside of a scope, over every transport.

/** Appears in everything about the device outside, except its id. */
const secret = 'zz9'
const north = "tags.site = 'north'"
const job = 'job-of-all'

const rolesOf = (...names: string[]): readonly Right[] => names.flatMap((name) => builtInRoles.get(name) ?? [])
const viewers: Readonly<Record<string, Viewer>> = {
  viewer: personWith({ rights: rolesOf('viewer'), roles: ['viewer'] }),
  operator: personWith({ rights: rolesOf('operator'), roles: ['operator'] }),
  approver: personWith({ rights: rolesOf('approver'), roles: ['approver'] }),
  admin: personWith({ rights: rolesOf('admin'), roles: ['admin'] }),
  none: personWith({ rights: [], roles: [] }),
  'north-operator': personWith({ rights: rolesOf('operator'), roles: ['north-operator'], scope: scopeOf([north]) }),
  'north-admin': personWith({ rights: rolesOf('admin'), roles: ['north-admin'], scope: scopeOf([north]) }),
}
const narrowed = ['north-operator', 'north-admin']

const devices = ['own-1', 'foreign-1', 'unknown-1']

let door: TestDoor
let port: OpenPort
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'matrix-'))
  const file = join(folder, 'documents.json')
  const all = [...operations, ...togetherWith.values()]
  const texts = all.flatMap((one) => devices.map((device) => textFor(one, device, job)))
  await writeFile(file, JSON.stringify(Object.fromEntries(texts.map((text) => [idOf(text), text]))))
  const log = pino({ level: 'silent' })
  const trusted = createTrustedDocuments({ clock: systemClock, log }, schema, { files: [file], own: [], only: false })
  trusted.close()
  door = await openDoor({ trusted, authenticate: async (role = 'owner') => viewers[role] ?? owner })
  port = await openPort(door)
  const keys = { symmetricKey: { primaryKey: secret.repeat(8), secondaryKey: secret.repeat(8) } }
  const created = await createDevices(door.deps, everything, [
    { deviceId: 'own-1', twin: { tags: { site: 'north' }, properties: { desired: { mine: 1 } } } },
    {
      deviceId: 'foreign-1',
      statusReason: secret,
      authentication: keys,
      twin: { tags: { site: secret }, properties: { desired: { [secret]: 1 } } },
    },
  ])
  expect(created).toEqual(['own-1', 'foreign-1'])
  await reportProperties(door.deps, 'foreign-1', { [secret]: secret })
  await scheduleJob(door.deps, owner, {
    type: 'scheduleDeviceMethod',
    jobId: job,
    queryCondition: '*',
    cloudToDeviceMethod: { methodName: 'reboot', payload: { [secret]: secret } },
  })
  await start(door.deps, job)
  const keyOf = (deviceId: string) => ({ jobId: job, deviceId })
  await dispatch(door.deps, keyOf('own-1'), keyOf('foreign-1'))
  await answer(door.deps, { ...keyOf('foreign-1'), error: { code: secret, description: secret } })
})
afterAll(async () => {
  await port.close()
  await door.close()
  await rm(folder, { recursive: true, force: true })
})

const ids = new Map<string, string>()
function idOf(text: string): string {
  const id = ids.get(text) ?? `document-${ids.size}`
  ids.set(text, id)
  return id
}

type Fault = { readonly path?: readonly unknown[]; readonly extensions: { readonly code: string } }
type Result = { readonly data?: unknown; readonly errors?: readonly Fault[] }
/** The first result, or 'open' for a subscription that only waits. */
type Outcome = Result | 'open'

/** Subscriptions that send nothing until something happens. */
const silent =
  /^Subscription\.(?:job(?:Changed|Updated)|deviceJobEnded|telemetry)|^(?:Telemetry|DeviceJobEndedUpdate|JobUpdate|JobFilter)\./

const post = (role: string, body: unknown, accept: string, signal?: AbortSignal) =>
  fetch(port.url.replace('ws', 'http'), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: role, accept },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  })

async function firstEvent(response: Response): Promise<Result> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  for (let text = ''; reader !== undefined; ) {
    const { value, done } = await reader.read()
    text += value ?? ''
    const [, data] = /^data: ?(\{.*)$/m.exec(text) ?? []
    if (data !== undefined && text.includes('\n\n')) return JSON.parse(data)
    if (done) return JSON.parse(text)
  }
  throw new Error('There was no event.')
}

const sockets = new Map<string, ReturnType<OpenPort['client']>>()
function clientOf(role: string): ReturnType<OpenPort['client']> {
  const client = sockets.get(role) ?? port.client({ authorization: role })
  sockets.set(role, client)
  return client
}

async function overSocket(role: string, query: string, signal: AbortSignal): Promise<Result> {
  const results = clientOf(role).iterate({ query })
  const end = () => results.return?.()
  signal.addEventListener('abort', end)
  try {
    const { value } = await results.next()
    return JSON.parse(JSON.stringify(value ?? {}))
  } catch (error) {
    return { errors: JSON.parse(JSON.stringify(error)) }
  } finally {
    await end()
  }
}

type Transport = (role: string, text: string, signal: AbortSignal) => Promise<Result>
const events = 'text/event-stream'
const transports: Readonly<Record<string, Transport>> = {
  HTTP: async (role, query) => (await post(role, { query }, 'application/json')).json(),
  WebSocket: overSocket,
  'server-sent events': async (role, query, signal) => firstEvent(await post(role, { query }, events, signal)),
  'a trusted id': async (role, query, signal) =>
    firstEvent(await post(role, { documentId: idOf(query) }, events, signal)),
}

async function execute(transport: Transport, role: string, operation: Operation, text: string): Promise<Outcome> {
  const ended = new AbortController()
  const first = transport(role, text, ended.signal)
  if (operation.kind !== 'subscription') return first
  try {
    if (!silent.test(operation.coordinate)) return await first
    const open = until(() => door.server.openStreams() > 0).then(() => 'open' as const)
    return await Promise.race([first, open])
  } finally {
    first.catch(() => {})
    ended.abort()
    await until(() => door.server.openStreams() === 0)
  }
}

const outcomes = new Map<string, Promise<Outcome>>()
/** The outcome of an operation, or of one that contains it, which is executed once for all cells with this text. */
function outcomeOf(name: string, role: string, operation: Operation, text: string): Promise<Outcome> {
  const key = JSON.stringify([name, role, text])
  const transport = transports[name]
  if (transport === undefined) throw new Error(`There is no transport ${name}.`)
  const outcome = outcomes.get(key) ?? execute(transport, role, operation, text)
  outcomes.set(key, outcome)
  return outcome
}

/**
 * The outcome of an operation. It is executed together with others, which takes one request for up to thirty. Its errors are then
 * those at its field. It is executed alone where the answer does not show the outcome of each field.
 */
async function run(name: string, role: string, operation: Operation, device: string): Promise<Outcome> {
  const together = togetherWith.get(operation)
  if (together !== undefined) {
    const whole = await outcomeOf(name, role, operation, textFor(together, device, job))
    const aliases = [...together.aliases.values()]
    if (whole !== 'open' && showsEach(whole, aliases)) {
      const alias = together.aliases.get(operation.selection)
      return { ...whole, errors: (whole.errors ?? []).filter(({ path }) => path?.includes(alias)) }
    }
  }
  return outcomeOf(name, role, operation, textFor(operation, device, job))
}

/** Whether each error is at one of the fields, and hides nothing else: the answer has the place of the error. */
const showsEach = ({ data, errors = [] }: Result, aliases: readonly string[]): boolean =>
  data !== undefined &&
  data !== null &&
  errors.every(({ path = [] }) => path.some((key) => aliases.includes(String(key))) && hasPlace(data, path))

function hasPlace(data: unknown, [key, ...rest]: readonly unknown[]): boolean {
  if (key === undefined) return true
  const entry = Object.entries(data ?? {}).find(([name]) => name === String(key))
  return entry !== undefined && hasPlace(entry[1], rest)
}

/** Subscriptions one after the other, because the open ones are counted; others at the same time. */
async function forEach<One>(
  ones: readonly One[],
  { kind }: Operation,
  find: (one: One) => Promise<void>,
): Promise<void> {
  if (kind === 'subscription') for (const one of ones) await find(one)
  else await Promise.all(ones.map(find))
}

const codesOf = (outcome: Outcome): readonly string[] =>
  outcome === 'open' ? [] : (outcome.errors ?? []).map(({ extensions }) => extensions.code)

/**
 * The audit has entries about all devices, webhooks get the events of all jobs, and jobs of all use the device groups
 * and the templates: no
 * viewer with a scope may.
 */
const isAboutAll = ({ text }: Operation): boolean =>
  /auditLog|[wW]ebhook|(?:save|delete)DeviceGroup|(?:create|update|delete)JobTemplate/.test(text)

const isGranted = (operation: Operation, role: string): boolean =>
  !(narrowed.includes(role) && isAboutAll(operation)) &&
  operation.needs.every((needed) => needed.some((right) => viewers[role]?.rights.has(right)))

/** Whether a transport has operations of this kind. */
const takes = (name: string, { kind }: Operation): boolean => kind !== 'subscription' || name !== 'HTTP'

test.each(Object.keys(transports))(
  'each role may do what the table says, over %s',
  async (name) => {
    const differing: string[] = []
    for (const operation of operations) {
      if (!takes(name, operation)) continue
      await forEach(Object.keys(viewers), operation, async (role) => {
        const codes = codesOf(await run(name, role, operation, operation.kind === 'query' ? 'own-1' : 'unknown-1'))
        const mayDo = !codes.some((code) => code === 'FORBIDDEN')
        // Of a job of others, a viewer with a scope does not see everything.
        if (!mayDo && narrowed.includes(role) && isGranted(operation, role) && isAboutJob(operation)) return
        if (mayDo !== isGranted(operation, role)) differing.push(`${operation.coordinate} as ${role}: ${codes}`)
      })
    }
    expect(differing).toEqual([])
  },
  300_000,
)

const isAboutJob = ({ text }: Operation): boolean => text.includes('<job>')

test.each(Object.keys(transports))(
  'a device outside of a scope is unknown, over %s',
  async (name) => {
    const differing: string[] = []
    for (const operation of operations) {
      if (!takes(name, operation)) continue
      const isOfDevice = textFor(operation, 'a', job) !== textFor(operation, 'b', job)
      await forEach(narrowed, operation, async (role) => {
        const about = async (device: string): Promise<string> => {
          const text = JSON.stringify(await run(name, role, operation, device))
          if (text.includes(secret)) differing.push(`${operation.coordinate} as ${role} shows ${text}`)
          return text.replaceAll(device, 'DEVICE').replaceAll(globalIdOf(device), 'GLOBAL')
        }
        const foreign = await about('foreign-1')
        const unknown = isOfDevice ? await about('unknown-1') : foreign
        if (foreign !== unknown) differing.push(`${operation.coordinate} as ${role}: ${foreign} instead of ${unknown}`)
        if (foreign.includes('foreign-1')) differing.push(`${operation.coordinate} as ${role} names the device`)
      })
    }
    expect(differing).toEqual([])
  },
  300_000,
)

test('a device in a scope is shown as to a viewer without one', async () => {
  const differing: string[] = []
  for (const operation of operations) {
    if (operation.kind !== 'query' || !/^query \{ (?:device|node|nodes)\(/.test(operation.text)) continue
    const shownTo = async (role: string) => JSON.stringify(await run('HTTP', role, operation, 'own-1'))
    const mine = (await shownTo('north-operator')).replaceAll('north-operator', 'operator')
    const all = await shownTo('operator')
    if (mine !== all) differing.push(`${operation.coordinate}: ${mine} instead of ${all}`)
  }
  expect(differing).toEqual([])
})
