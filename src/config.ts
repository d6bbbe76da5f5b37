import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { serversOf } from './database/servers.ts'
import { type InstanceRole, instanceRoles } from './instance-roles.ts'
import { isIssuerAddress } from './issuer-address.ts'
import { type Network, networkIn } from './limits/client-address.ts'
import { type Limits, limitsBy } from './limits/limits.ts'
import { type ProxiedPort, proxiedPorts } from './limits/proxied-ports.ts'
import { isLoopback } from './loopback.ts'
import { type NatsSettings, readNatsAddress } from './nats-settings.ts'
import type { PortAddress } from './open-port.ts'
import { originIn } from './origin.ts'
import {
  isTier,
  maxUnits,
  parseRate,
  presetNames,
  runningJobsOf,
  type Throttling,
  throttlingBy,
  throttlingOf,
} from './throttle/presets.ts'

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
const plainHttp = ['loopback', 'off', 'on'] as const
const unknownJob = ['404', 'unknown'] as const

/** All settings from outside, read once. Port 0 means any free port. */
export type Config = {
  /** Where HTTP is served. For every port, undefined turns it off. */
  readonly http: PortAddress | undefined
  readonly https: PortAddress | undefined
  /** Plain MQTT, on loopback only. */
  readonly mqtt: PortAddress | undefined
  readonly mqtts: PortAddress | undefined
  /** Where metrics are served, without TLS and tokens. */
  readonly metrics: PortAddress | undefined
  /** Whether HTTP, with and without TLS, can be reached from this machine only. */
  readonly loopback: boolean
  /** The hub's name for devices and operators: in tokens, connection strings and the certificate. */
  readonly hubHostName: string
  /** Absolute. */
  readonly dataDir: string
  /** Undefined: the embedded PostgreSQL. */
  readonly databaseUrl: string | undefined
  /** What this instance does. The settings of what it does not do have no effect. */
  readonly hubRoles: readonly InstanceRole[]
  /** How this instance stops while others go on. */
  readonly drain: {
    /** For how long it goes on as before, after it has become not ready. */
    readonly noticeSeconds: number
    /** How fast devices are disconnected then, and for how long at most. */
    readonly devicesPerSecond: number
    readonly seconds: number
  }
  /** NATS, which carries messages between instances; undefined: PostgreSQL does. */
  readonly bus: NatsSettings | undefined
  /** Base64. Undefined: generated once and kept in the data folder. */
  readonly ownerKey: string | undefined
  /** Undefined: a certificate of the hub's own private CA. */
  readonly tls: { readonly certPath: string; readonly keyPath: string } | undefined
  /** Certificates of the authorities that are trusted for devices; undefined for none. */
  readonly x509CaPath: string | undefined
  readonly logLevel: (typeof logLevels)[number]
  /** Whether each request is logged. */
  readonly accessLog: boolean
  readonly maxRunningJobs: number
  readonly jobHistoryDays: number
  readonly auditDays: number
  /** Maximum number of method calls under way in this process. */
  readonly methodWindow: number
  /** The issuers of tokens of persons, and what such tokens must be for; undefined when only keys give access. */
  readonly oidc:
    | {
        readonly issuers: readonly string[]
        readonly audiences: readonly string[]
        /** The file with the keys of issuers; undefined when all issuers publish theirs. */
        readonly keysPath: string | undefined
        /** The console as the provider knows it; undefined when nobody signs in to the console there. */
        readonly clientId: string | undefined
      }
    | undefined
  /** The place of the roles in a token. */
  readonly rolesPath: string
  /** The file with the roles that are not built in. */
  readonly rolesFile: string | undefined
  /** Origins whose pages may use GraphQL, in their one form (`originIn`); `*` for all. */
  readonly allowedOrigins: readonly string[]
  /** The proxies whose headers about their clients are believed. */
  readonly trustedProxies: readonly Network[]
  /** The ports at which trusted proxies must send headers of the PROXY protocol. */
  readonly proxyProtocol: readonly ProxiedPort[]
  /** Whose requests without TLS are accepted. */
  readonly plainHttp: (typeof plainHttp)[number]
  /** Files of trusted documents, absolute. */
  readonly trustedDocuments: readonly string[]
  /** Whether other documents are refused. */
  readonly trustedDocumentsOnly: boolean
  /** Whether GraphiQL is served even where tokens are needed. */
  readonly graphiql: boolean
  /** The answer of the REST API to an unknown job. */
  readonly restUnknownJob: (typeof unknownJob)[number]
  /** Whether the REST API cancels running jobs. */
  readonly restCancelRunning: boolean
  /** Whether queries are refused that IoT Hub would refuse. */
  readonly strictQuery: boolean
  /** Whether webhooks may lead to addresses that are not public, and to http. */
  readonly webhookAllowPrivate: boolean
  /** The rates of operations. */
  readonly throttling: Throttling
  /** Whether all instances together have these rates, as an IoT Hub has, and not each of them. */
  readonly sharedThrottling: boolean
  /** The budgets of clients. */
  readonly limits: Limits
}

/** The environment contains invalid values; `problems` has a sentence for each of them. Secrets are never quoted. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(`The configuration is not valid:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`)
    this.problems = problems
  }
}

/**
 * Reads the variables into one frozen record, or throws a ConfigurationError that lists every problem at once. An empty
 * variable counts as absent, unknown ones are ignored. Relative paths are relative to `cwd`.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>, cwd: string): Config {
  const problems: string[] = []
  const given = (name: string): string | undefined => env[name] || undefined

  const text = (name: string, fallback: string, allowed: string, valid: (value: string) => boolean): string => {
    const value = given(name) ?? fallback
    if (!valid(value)) problems.push(`${name} is ${quote(value)}; it must be ${allowed}.`)
    return value
  }
  const integer = (name: string, fallback: number, min: number, max: number, orElse = ''): number => {
    const value = given(name)
    if (value === undefined) return fallback
    // Digits only: Number() would also accept '0x10', '1e3' and ' 7 '.
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN
    if (number >= min && number <= max) return number
    problems.push(`${name} is ${quote(value)}; it must be a whole number from ${min} to ${max}${orElse}.`)
    return fallback
  }
  const choice = <Word extends string>(name: string, words: readonly [Word, ...Word[]]): Word => {
    const value = given(name) ?? words[0]
    const word = words.find((candidate) => candidate === value)
    if (word === undefined) problems.push(`${name} is ${quote(value)}; it must be one of ${words.join(', ')}.`)
    return word ?? words[0]
  }
  const flag = (name: string): boolean => choice(name, ['false', 'true']) === 'true'
  const secret = (name: string, allowed: string, valid: (value: string) => boolean): string | undefined => {
    const value = given(name)
    if (value !== undefined && !valid(value)) {
      problems.push(`${name} is not valid (a secret, not shown, of ${value.length} characters); it must be ${allowed}.`)
    }
    return value
  }
  const path = (name: string): string | undefined => {
    const value = given(name)
    return value === undefined ? undefined : resolve(cwd, value)
  }

  const list = (name: string): readonly string[] =>
    (given(name) ?? '')
      .split(',')
      .map((value) => value.trim())
      .filter((value) => value !== '')

  const hostIn = (name: string, fallback: string): string =>
    given(name) === undefined ? fallback : text(name, fallback, 'an IP address or a host name', isHost)
  const host = hostIn('HOST', '127.0.0.1')
  const portIn = (name: string, fallback: number, usualHost = host): PortAddress | undefined => {
    const address = hostIn(`${name}_HOST`, usualHost)
    if (given(`${name}_PORT`) === 'off') return undefined
    return Object.freeze({ host: address, port: integer(`${name}_PORT`, fallback, 0, 65_535, ', or off') })
  }
  const http = portIn('HTTP', 4000)
  const https = portIn('HTTPS', 4443)
  const anyMqtt = portIn('MQTT', 1883)
  const isMqttLocal = anyMqtt !== undefined && isLocal(anyMqtt.host)
  const mqtt = isMqttLocal || given('MQTT_PORT') || given('MQTT_HOST') ? anyMqtt : undefined
  const mqtts = portIn('MQTTS', 8883)
  const metrics = portIn('METRICS', 4090, '127.0.0.1')
  const loopback = [http, https].every((port) => port === undefined || isLocal(port.host))
  if (mqtt !== undefined && !isMqttLocal) {
    problems.push(
      `MQTT_PORT is ${quote(given('MQTT_PORT') ?? String(mqtt.port))} and ` +
        `${given('MQTT_HOST') === undefined ? 'HOST' : 'MQTT_HOST'} is ${quote(mqtt.host)}; plain MQTT is allowed on a ` +
        'loopback address only. Remove MQTT_PORT and MQTT_HOST and connect devices to MQTTS_PORT, or set MQTT_HOST to a ' +
        'loopback address.',
    )
  }

  const roleNames = list('HUB_ROLES')
  const hubRoles = given('HUB_ROLES') === undefined ? instanceRoles : rolesNamed(roleNames)
  const unknownRoles = roleNames.filter((each) => rolesNamed([each]).length === 0)
  for (const name of unknownRoles) {
    problems.push(`${quote(name)} in HUB_ROLES is not a role; it must be one of ${instanceRoles.join(', ')}.`)
  }
  if (given('HUB_ROLES') !== undefined && roleNames.length === 0) {
    problems.push(`HUB_ROLES names no role; it must name at least one of ${instanceRoles.join(', ')}.`)
  }
  const isOff = (...ports: readonly unknown[]): boolean => ports.every((port) => port === undefined)
  if (hubRoles.includes('gateway') && isOff(http, https, mqtt, mqtts)) {
    problems.push('HTTP_PORT, HTTPS_PORT, MQTT_PORT and MQTTS_PORT are all off, so nothing could connect.')
  } else if (hubRoles.includes('api') && !hubRoles.includes('gateway') && isOff(http, https)) {
    problems.push('HUB_ROLES names api, but HTTP_PORT and HTTPS_PORT are off, so no client could connect.')
  }
  problems.push(
    ...sharedPorts({ HTTP_PORT: http, HTTPS_PORT: https, MQTT_PORT: mqtt, MQTTS_PORT: mqtts, METRICS_PORT: metrics }),
  )

  const certPath = path('TLS_CERT')
  const keyPath = path('TLS_KEY')
  if ((certPath === undefined) !== (keyPath === undefined)) {
    const [set, missing] = certPath === undefined ? ['TLS_KEY', 'TLS_CERT'] : ['TLS_CERT', 'TLS_KEY']
    problems.push(`${set} is set, but ${missing} is not. Set both or neither.`)
  }

  const logLevel = given('LOG_LEVEL') ?? 'info'
  const level = logLevels.find((candidate) => candidate === logLevel)
  if (level === undefined) problems.push(`LOG_LEVEL is ${quote(logLevel)}; it must be one of ${logLevels.join(', ')}.`)

  const preset = choice('THROTTLE', presetNames)
  const units = integer('THROTTLE_UNITS', 1, 1, maxUnits)
  if (given('THROTTLE_UNITS') !== undefined && !isTier(preset)) {
    problems.push(`THROTTLE_UNITS is set, but THROTTLE is ${preset}. THROTTLE_UNITS requires S1, S2 or S3.`)
  }
  const quotas = throttlingOf(preset, units)
  const throttling = throttlingBy((name) => {
    const variable = `THROTTLE_${name.replace(/[A-Z]/g, '_$&').toUpperCase()}`
    const value = given(variable)
    if (value === undefined) return quotas[name]
    const rate = parseRate(value)
    if (rate === null) {
      problems.push(
        `${variable} is ${quote(value)}; it must be a number per second or minute, such as 100/s or 20/min, or off.`,
      )
    }
    return rate ?? undefined
  })

  const databaseUrl = secret(
    'DATABASE_URL',
    'an address that begins with postgres:// or postgresql://, of one host or of several, separated by commas',
    (value) =>
      serversOf(value).all.every(({ name, url }, _, { length }) => isPostgresUrl(url) && (name || length === 1)),
  )
  if (databaseUrl === undefined && hubRoles.length < instanceRoles.length && unknownRoles.length === 0) {
    problems.push(
      `HUB_ROLES is ${quote(given('HUB_ROLES') ?? '')}, but DATABASE_URL is not set. The embedded database serves one ` +
        'instance, which needs all roles. Set DATABASE_URL, or remove HUB_ROLES.',
    )
  }
  const databaseParameters = new URLSearchParams(/\?([^#]*)/.exec(databaseUrl ?? '')?.[1])
  if (['host', 'hostaddr', 'port'].some((name) => databaseParameters.get(name)?.includes(','))) {
    problems.push(
      'DATABASE_URL names several hosts in a parameter. Write them in place of the host, such as a:5432,b:5432.',
    )
  }
  const sessions = databaseParameters.get('target_session_attrs') ?? 'read-write'
  if (sessions !== 'read-write' && sessions !== 'primary') {
    problems.push(
      `target_session_attrs in DATABASE_URL is ${quote(sessions)}; it must be read-write or primary, because the hub writes.`,
    )
  }

  const busUrl = secret(
    'BUS_URL',
    'an address that begins with nats:// or tls://, of one server or of several, separated by commas, with one user',
    (value) => readNatsAddress(value) !== undefined,
  )
  const address = busUrl === undefined ? undefined : readNatsAddress(busUrl)
  const credentialsPath = path('BUS_CREDENTIALS')
  const caPath = path('BUS_CA')
  if (address !== undefined && databaseUrl === undefined) {
    problems.push('BUS_URL is set, but DATABASE_URL is not. The embedded database serves one hub only.')
  }
  if (busUrl === undefined) {
    for (const name of ['BUS_CREDENTIALS', 'BUS_CA']) {
      if (given(name) !== undefined) problems.push(`${name} is set, but BUS_URL is not.`)
    }
  }
  if (address?.login !== undefined && credentialsPath !== undefined) {
    problems.push('BUS_CREDENTIALS is set, and BUS_URL contains a user or a token. Remove one of the two.')
  }
  if (address?.isTls === false && caPath !== undefined) {
    problems.push('BUS_CA is set, but BUS_URL does not begin with tls://.')
  }

  const issuers = [...new Set(list('OIDC_ISSUER'))]
  const audiences = list('OIDC_AUDIENCE')
  const keysPath = path('OIDC_JWKS_FILE')
  for (const issuer of issuers.filter((each) => !isIssuerAddress(each) && keysPath === undefined)) {
    problems.push(
      `${quote(issuer)} in OIDC_ISSUER is not an https: address without query and fragment (http: on this machine). ` +
        'The keys of other issuers must be in OIDC_JWKS_FILE.',
    )
  }
  if (issuers.length > 0 && audiences.length === 0) {
    problems.push('OIDC_ISSUER is set, but OIDC_AUDIENCE is not. Tokens for other programs would be accepted.')
  }
  const clientId = given('OIDC_CLIENT_ID')
  const [provider] = issuers
  if (clientId !== undefined && provider !== undefined && !isIssuerAddress(provider)) {
    problems.push(
      `OIDC_CLIENT_ID is set, but the first issuer in OIDC_ISSUER, ${quote(provider)}, is not an address. The console ` +
        'signs in at the first issuer.',
    )
  }
  if (issuers.length === 0) {
    for (const name of ['OIDC_AUDIENCE', 'OIDC_JWKS_FILE', 'OIDC_CLIENT_ID']) {
      if (given(name) !== undefined) problems.push(`${name} is set, but OIDC_ISSUER is not.`)
    }
  }
  const isRolesPath = (value: string): boolean =>
    URL.canParse(value) || !value.split(/(?<!\\)\./).some((name) => name.trim() === '')

  const origins = list('ALLOWED_ORIGINS').map((value) => {
    const origin = value === '*' ? value : originIn(value)
    if (origin === undefined) {
      problems.push(`${quote(value)} in ALLOWED_ORIGINS is not an origin, such as https://app.example:8443.`)
    }
    return origin ?? value
  })
  if (origins.includes('*') && loopback && given('IOTHUB_OWNER_KEY') === undefined && issuers.length === 0) {
    problems.push(
      'ALLOWED_ORIGINS is *, which requires tokens. Set OIDC_ISSUER, IOTHUB_OWNER_KEY or another HOST, or name the origins.',
    )
  }

  const proxies = list('TRUSTED_PROXIES').flatMap((value) => {
    const network = networkIn(value)
    if (network !== undefined) return network
    problems.push(
      `${quote(value)} in TRUSTED_PROXIES is neither an address, such as 10.0.0.7, nor a network, such as 10.0.0.0/8, ` +
        'where the bits after the prefix are zeros.',
    )
    return []
  })

  const proxyProtocol = proxiedPorts.filter((name) => list('PROXY_PROTOCOL').includes(name))
  for (const name of list('PROXY_PROTOCOL')) {
    const port = proxiedPorts.find((each) => each === name)
    if (port === undefined) {
      problems.push(`${quote(name)} in PROXY_PROTOCOL is not a port; it must be one of ${proxiedPorts.join(', ')}.`)
    } else if ({ http, https, mqtt, mqtts }[port] === undefined) {
      problems.push(`PROXY_PROTOCOL names ${name}, but ${name.toUpperCase()}_PORT is off.`)
    }
  }
  if (proxyProtocol.length > 0 && given('TRUSTED_PROXIES') === undefined) {
    problems.push('PROXY_PROTOCOL is set, but TRUSTED_PROXIES is not: headers are read from trusted proxies only.')
  }

  const trustedDocuments = list('TRUSTED_DOCUMENTS').map((file) => resolve(cwd, file))
  const trustedDocumentsOnly = flag('TRUSTED_DOCUMENTS_ONLY')
  if (trustedDocumentsOnly && trustedDocuments.length === 0) {
    problems.push('TRUSTED_DOCUMENTS_ONLY is true, which requires TRUSTED_DOCUMENTS.')
  }
  const graphiql = flag('GRAPHIQL')
  if (graphiql && trustedDocumentsOnly) {
    problems.push('GRAPHIQL is true, but TRUSTED_DOCUMENTS_ONLY is true, too: GraphiQL could not send any document.')
  }

  const plain = choice('PLAIN_HTTP', plainHttp)
  if (plain === 'off' && https === undefined && http !== undefined) {
    problems.push(
      'PLAIN_HTTP is off and HTTPS_PORT is off: HTTP_PORT would refuse every request. Turn HTTP_PORT off, too, or ' +
        'change one of the two.',
    )
  }

  const config: Config = {
    http,
    https,
    mqtt,
    mqtts,
    metrics,
    loopback,
    hubHostName: text('HUB_HOST_NAME', 'localhost', 'an IP address or a host name', isHost),
    dataDir: path('DATA_DIR') ?? resolve(cwd, '.twincast'),
    databaseUrl,
    hubRoles: Object.freeze([...hubRoles]),
    drain: Object.freeze({
      noticeSeconds: integer('DRAIN_NOTICE_SECONDS', 5, 0, 300),
      devicesPerSecond: integer('DRAIN_DEVICES_PER_SECOND', 500, 1, 100_000),
      seconds: integer('DRAIN_SECONDS', 10, 0, 3_600),
    }),
    bus: address && Object.freeze({ address, credentialsPath, caPath }),
    ownerKey: secret('IOTHUB_OWNER_KEY', 'base64 of 16 to 64 bytes', isKey),
    tls: certPath === undefined || keyPath === undefined ? undefined : Object.freeze({ certPath, keyPath }),
    x509CaPath: path('X509_CA'),
    logLevel: level ?? 'info',
    accessLog: choice('ACCESS_LOG', ['off', 'on']) === 'on',
    maxRunningJobs: integer('MAX_RUNNING_JOBS', runningJobsOf(preset), 1, 1_000),
    jobHistoryDays: integer('JOB_HISTORY_DAYS', 30, 1, 3_650),
    auditDays: integer('AUDIT_DAYS', 90, 1, 3_650),
    methodWindow: integer('METHOD_WINDOW', 2_000, 1, 20_000),
    oidc: issuers.length === 0 ? undefined : Object.freeze({ issuers, audiences, keysPath, clientId }),
    rolesPath: text('OIDC_ROLES_PATH', 'roles', 'names separated by dots', isRolesPath),
    rolesFile: path('ROLES_FILE'),
    allowedOrigins: Object.freeze(origins),
    trustedProxies: Object.freeze(proxies),
    proxyProtocol: Object.freeze(proxyProtocol),
    plainHttp: plain,
    trustedDocuments: Object.freeze(trustedDocuments),
    trustedDocumentsOnly,
    graphiql,
    restUnknownJob: choice('REST_UNKNOWN_JOB', unknownJob),
    restCancelRunning: flag('REST_CANCEL_RUNNING'),
    strictQuery: flag('STRICT_QUERY'),
    webhookAllowPrivate: flag('WEBHOOK_ALLOW_PRIVATE'),
    throttling: Object.freeze(throttling),
    sharedThrottling: isTier(preset),
    limits: limitsBy((_name, limit) => integer(limit.variable, limit.default, limit.min, limit.max)),
  }
  if (problems.length > 0) throw new ConfigurationError(problems)
  return Object.freeze(config)
}

const quote = (value: string): string => JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value)

const rolesNamed = (names: readonly string[]): readonly InstanceRole[] =>
  instanceRoles.filter((role) => names.includes(role))

// Host names after RFC 1123: labels of letters, digits and inner hyphens. A name whose last label is a number is a
// malformed address ("127.0.0.300"), not a name (WHATWG URL).
const isHost = (value: string): boolean =>
  isIP(value) !== 0 ||
  (value.length <= 253 &&
    value.split('.').every((label) => /^[a-z\d]([a-z\d-]{0,61}[a-z\d])?$/i.test(label)) &&
    !/(^|\.)\d+$/.test(value))

const isPostgresUrl = (value: string): boolean => /^postgres(ql)?:\/\/./.test(value) && URL.canParse(value)

/** Standard base64 with its padding, as IoT Hub writes keys; Buffer alone would ignore invalid characters. */
function isKey(value: string): boolean {
  const bytes = Buffer.from(value, 'base64')
  return bytes.length >= 16 && bytes.length <= 64 && bytes.toString('base64') === value
}

/** Whether this address can be reached from this machine only. */
const isLocal = (host: string): boolean => host.toLowerCase() === 'localhost' || isLoopback(host)

function sharedPorts(ports: Readonly<Record<string, PortAddress | undefined>>): string[] {
  const taken: { readonly name: string; readonly at: PortAddress }[] = []
  const problems: string[] = []
  for (const [name, at] of Object.entries(ports)) {
    if (at === undefined || at.port === 0) continue
    const other = taken.find((each) => each.at.port === at.port && mayBeSame(each.at.host, at.host))
    if (other === undefined) taken.push({ name, at })
    else {
      problems.push(`${name} and ${other.name} are both ${at.port}. Give each its own port, or 0 for any free port.`)
    }
  }
  return problems
}

/** Whether two programs may not have the same port at these addresses. A name may lead to any address. */
const mayBeSame = (one: string, other: string): boolean =>
  one === other || [one, other].some((host) => isIP(host) === 0 || host === '0.0.0.0' || host === '::')
