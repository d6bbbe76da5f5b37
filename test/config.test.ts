import { describe, expect, it, test } from 'vitest'
import { ConfigurationError, readConfig } from '../src/config.ts'
import { networkIn } from '../src/limits/client-address.ts'
import { defaultLimits } from '../src/limits/limits.ts'
import { throttlingOf } from '../src/throttle/presets.ts'

type Env = Record<string, string>

const read = (env: Env) => readConfig(env, '/home/ann')

function problemsOf(env: Env): readonly string[] {
  try {
    read(env)
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems
    throw error
  }
  return []
}

const someKey = Buffer.alloc(32, 7).toString('base64')

describe('the configuration', () => {
  it('has a default for everything, on loopback only', () => {
    expect(read({})).toEqual({
      http: { host: '127.0.0.1', port: 4000 },
      https: { host: '127.0.0.1', port: 4443 },
      mqtt: { host: '127.0.0.1', port: 1883 },
      mqtts: { host: '127.0.0.1', port: 8883 },
      metrics: { host: '127.0.0.1', port: 4090 },
      loopback: true,
      hubHostName: 'localhost',
      dataDir: '/home/ann/.twincast',
      databaseUrl: undefined,
      hubRoles: ['gateway', 'api', 'worker'],
      drain: { noticeSeconds: 5, devicesPerSecond: 500, seconds: 10 },
      bus: undefined,
      ownerKey: undefined,
      tls: undefined,
      x509CaPath: undefined,
      logLevel: 'info',
      accessLog: false,
      maxRunningJobs: 100,
      jobHistoryDays: 30,
      auditDays: 90,
      methodWindow: 2000,
      oidc: undefined,
      rolesPath: 'roles',
      rolesFile: undefined,
      allowedOrigins: [],
      trustedProxies: [],
      proxyProtocol: [],
      plainHttp: 'loopback',
      trustedDocuments: [],
      trustedDocumentsOnly: false,
      graphiql: false,
      restUnknownJob: '404',
      restCancelRunning: false,
      strictQuery: false,
      webhookAllowPrivate: false,
      throttling: throttlingOf('protect', 1),
      sharedThrottling: false,
      limits: defaultLimits,
    })
  })

  it('takes every variable', () => {
    const env = {
      HOST: '0.0.0.0',
      HTTP_HOST: '127.0.0.1',
      HTTP_PORT: '80',
      HTTPS_HOST: 'hub.example.com',
      HTTPS_PORT: '443',
      MQTT_HOST: '::1',
      MQTT_PORT: '1884',
      MQTTS_HOST: '10.0.0.7',
      MQTTS_PORT: '0',
      METRICS_HOST: '::',
      METRICS_PORT: '9090',
      HUB_HOST_NAME: 'hub.example.com',
      DATA_DIR: '../state',
      DATABASE_URL: 'postgresql://ann:secret@db.example.com/twincast',
      HUB_ROLES: 'worker, gateway',
      DRAIN_NOTICE_SECONDS: '0',
      DRAIN_DEVICES_PER_SECOND: '50',
      DRAIN_SECONDS: '60',
      BUS_URL: 'tls://a,b:4223',
      BUS_CREDENTIALS: 'hub.creds',
      BUS_CA: '/etc/nats-ca.pem',
      IOTHUB_OWNER_KEY: someKey,
      TLS_CERT: 'cert.pem',
      TLS_KEY: '/etc/key.pem',
      X509_CA: 'factory.pem',
      LOG_LEVEL: 'silent',
      ACCESS_LOG: 'on',
      MAX_RUNNING_JOBS: '1000',
      JOB_HISTORY_DAYS: '1',
      AUDIT_DAYS: '7',
      METHOD_WINDOW: '20000',
      OIDC_ISSUER: 'https://login.example/realms/fleet, own keys',
      OIDC_AUDIENCE: 'https://hub.example, twincast',
      OIDC_JWKS_FILE: 'jwks.json',
      OIDC_CLIENT_ID: 'twincast-console',
      OIDC_ROLES_PATH: 'realm_access.roles',
      ROLES_FILE: 'roles.json',
      ALLOWED_ORIGINS: 'https://App.example:443, http://localhost:5173,',
      TRUSTED_PROXIES: '10.0.0.7, 2001:db8::/32',
      PROXY_PROTOCOL: 'mqtts, https',
      PLAIN_HTTP: 'on',
      GRAPHIQL: 'true',
      REST_UNKNOWN_JOB: 'unknown',
      REST_CANCEL_RUNNING: 'true',
      STRICT_QUERY: 'true',
      WEBHOOK_ALLOW_PRIVATE: 'true',
      THROTTLE: 'S2',
      THROTTLE_UNITS: '20',
      THROTTLE_QUERIES: '7/s',
      THROTTLE_TWIN_READS: '90/min',
      THROTTLE_JOB_DEVICE_OPERATIONS: 'off',
      TRUSTED_DOCUMENTS: 'web.json, /etc/mobile.json',
      UNKNOWN: 'ignored',
    }
    expect(read(env)).toEqual({
      http: { host: '127.0.0.1', port: 80 },
      https: { host: 'hub.example.com', port: 443 },
      mqtt: { host: '::1', port: 1884 },
      mqtts: { host: '10.0.0.7', port: 0 },
      metrics: { host: '::', port: 9090 },
      loopback: false,
      hubHostName: 'hub.example.com',
      dataDir: '/home/state',
      databaseUrl: env.DATABASE_URL,
      hubRoles: ['gateway', 'worker'],
      drain: { noticeSeconds: 0, devicesPerSecond: 50, seconds: 60 },
      bus: {
        address: { servers: ['a:4222', 'b:4223'], isTls: true, login: undefined },
        credentialsPath: '/home/ann/hub.creds',
        caPath: '/etc/nats-ca.pem',
      },
      ownerKey: someKey,
      tls: { certPath: '/home/ann/cert.pem', keyPath: '/etc/key.pem' },
      x509CaPath: '/home/ann/factory.pem',
      logLevel: 'silent',
      accessLog: true,
      maxRunningJobs: 1000,
      jobHistoryDays: 1,
      auditDays: 7,
      methodWindow: 20_000,
      oidc: {
        issuers: ['https://login.example/realms/fleet', 'own keys'],
        audiences: ['https://hub.example', 'twincast'],
        keysPath: '/home/ann/jwks.json',
        clientId: 'twincast-console',
      },
      rolesPath: 'realm_access.roles',
      rolesFile: '/home/ann/roles.json',
      allowedOrigins: ['https://app.example', 'http://localhost:5173'],
      trustedProxies: [networkIn('10.0.0.7'), networkIn('2001:db8::/32')],
      proxyProtocol: ['https', 'mqtts'],
      plainHttp: 'on',
      trustedDocuments: ['/home/ann/web.json', '/etc/mobile.json'],
      trustedDocumentsOnly: false,
      graphiql: true,
      restUnknownJob: 'unknown',
      restCancelRunning: true,
      strictQuery: true,
      webhookAllowPrivate: true,
      sharedThrottling: true,
      throttling: {
        ...throttlingOf('S2', 20),
        queries: { amount: 7, seconds: 1 },
        twinReads: { amount: 90, seconds: 60 },
        jobDeviceOperations: undefined,
      },
      limits: defaultLimits,
    })
  })

  it('counts an empty variable as absent', () => {
    const names = ['HOST', 'HTTP_PORT', 'DATA_DIR', 'DATABASE_URL', 'IOTHUB_OWNER_KEY', 'TLS_CERT', 'LOG_LEVEL']
    expect(read(Object.fromEntries(names.map((name) => [name, ''])))).toEqual(read({}))
    expect(read({ HOST: '0.0.0.0', MQTT_PORT: '' }).mqtt).toBeUndefined()
  })

  it('cannot be changed afterwards', () => {
    const config = read({ TLS_CERT: 'a', TLS_KEY: 'b' })
    expect(Object.isFrozen(config)).toBe(true)
    expect(Object.isFrozen(config.tls)).toBe(true)
    expect(Object.isFrozen(config.throttling)).toBe(true)
  })

  it('lets as many jobs run as the tier does, unless told otherwise', () => {
    const running = (env: Env) => read(env).maxRunningJobs
    expect(['S1', 'S2', 'S3', 'off'].map((THROTTLE) => running({ THROTTLE }))).toEqual([1, 5, 10, 100])
    expect(running({ THROTTLE: 'S1', MAX_RUNNING_JOBS: '3' })).toBe(3)
  })

  it('lists every problem at once', () => {
    const problems = problemsOf({
      HTTP_PORT: 'x',
      HTTPS_PORT: '-1',
      LOG_LEVEL: 'loud',
      TLS_KEY: 'key.pem',
      THROTTLE_QUERIES: '5',
      THROTTLE_REGISTRY: 'on',
    })
    expect(problems.map((problem) => problem.split(' ')[0])).toEqual([
      'HTTP_PORT',
      'HTTPS_PORT',
      'TLS_KEY',
      'LOG_LEVEL',
      'THROTTLE_REGISTRY',
      'THROTTLE_QUERIES',
    ])
    expect(() => read({ HTTP_PORT: 'x', HTTPS_PORT: '-1' })).toThrow(/HTTP_PORT is "x".*\n.*HTTPS_PORT is "-1"/)
  })
})

describe('a value that is taken', () => {
  const taken: [string, Env][] = [
    [
      'any free port, several times',
      { HTTP_PORT: '0', HTTPS_PORT: '0', MQTT_PORT: '0', MQTTS_PORT: '0', METRICS_PORT: '0' },
    ],
    ['the highest port', { HTTP_PORT: '65535' }],
    ['a host name to listen on', { HOST: 'hub-1.example.com' }],
    ['an IPv6 address', { HOST: '::' }],
    ['plain MQTT on loopback', { HOST: '127.1.2.3', MQTT_PORT: '2000' }],
    ['the port of plain MQTT, when that is off', { HOST: '0.0.0.0', HTTP_PORT: '1883' }],
    ['the short scheme of PostgreSQL', { DATABASE_URL: 'postgres://localhost/x' }],
    ['a key of 16 bytes', { IOTHUB_OWNER_KEY: Buffer.alloc(16).toString('base64') }],
    ['every origin, on the network', { HOST: '0.0.0.0', ALLOWED_ORIGINS: '*' }],
    ['every origin, with a key', { ALLOWED_ORIGINS: '*', IOTHUB_OWNER_KEY: someKey }],
    ['every origin, with an issuer', { ALLOWED_ORIGINS: '*', OIDC_ISSUER: 'https://a.example', OIDC_AUDIENCE: 'a' }],
    ['an issuer on this machine', { OIDC_ISSUER: 'http://localhost:8080/realms/a', OIDC_AUDIENCE: 'a' }],
    ['roles in a claim with an address as its name', { OIDC_ROLES_PATH: 'https://hub.example/roles' }],
    [
      'one port at two addresses',
      { HTTP_HOST: '10.0.0.7', HTTP_PORT: '443', HTTPS_HOST: '10.0.0.8', HTTPS_PORT: '443' },
    ],
    ['devices only', { HTTP_PORT: 'off', HTTPS_PORT: 'off' }],
    ['plain requests refused, without their port', { PLAIN_HTTP: 'off', HTTP_PORT: 'off', HTTPS_PORT: 'off' }],
    ['a key of 64 bytes', { IOTHUB_OWNER_KEY: Buffer.alloc(64).toString('base64') }],
  ]
  test.each(taken)('%s', (_, env) => expect(problemsOf(env)).toEqual([]))
})

describe('a value that is refused', () => {
  const refused: [string, Env, RegExp][] = [
    ['a port that is a word', { HTTP_PORT: 'http' }, /^HTTP_PORT is "http"; it must be .* 0 to 65535, or off\.$/],
    ['a host for one port that is no host', { MQTTS_HOST: 'a b' }, /^MQTTS_HOST is "a b"/],
    [
      'an unknown role',
      { HUB_ROLES: 'gateway,workers', DATABASE_URL: 'postgres://hub@db/hub' },
      /^"workers" in HUB_ROLES is not a role; it must be one of gateway, api, worker\.$/,
    ],
    ['no role', { HUB_ROLES: ',', DATABASE_URL: 'postgres://hub@db/hub' }, /^HUB_ROLES names no role; it must name/],
    ['some roles with the embedded database', { HUB_ROLES: 'api' }, /^HUB_ROLES is "api", but DATABASE_URL is not set/],
    [
      'an api without a port',
      { HUB_ROLES: 'api', DATABASE_URL: 'postgres://hub@db/hub', HTTP_PORT: 'off', HTTPS_PORT: 'off' },
      /^HUB_ROLES names api, but HTTP_PORT and HTTPS_PORT are off/,
    ],
    ['every port off', { HTTP_PORT: 'off', HTTPS_PORT: 'off', MQTT_PORT: 'off', MQTTS_PORT: 'off' }, /are all off/],
    [
      'every port off, plain MQTT by default',
      { HOST: '::', HTTP_PORT: 'off', HTTPS_PORT: 'off', MQTTS_PORT: 'off' },
      /are all off/,
    ],
    [
      'no port that accepts requests',
      { PLAIN_HTTP: 'off', HTTPS_PORT: 'off' },
      /^PLAIN_HTTP is off and HTTPS_PORT is off/,
    ],
    [
      'plain MQTT at an address for the world',
      { MQTT_HOST: '0.0.0.0' },
      /^MQTT_PORT is "1883" and MQTT_HOST is "0.0.0.0"/,
    ],
    [
      'one port at an address and at all addresses',
      { HTTP_HOST: '10.0.0.7', HTTP_PORT: '443', HTTPS_HOST: '0.0.0.0', HTTPS_PORT: '443' },
      /^HTTPS_PORT and HTTP_PORT are both 443/,
    ],
    ['a port with a fraction', { HTTPS_PORT: '1.5' }, /^HTTPS_PORT is "1.5"/],
    ['a port with a space', { MQTTS_PORT: ' 80' }, /^MQTTS_PORT is " 80"/],
    ['a port in hexadecimal', { MQTTS_PORT: '0x50' }, /^MQTTS_PORT/],
    ['a port above the highest', { MQTT_PORT: '65536' }, /^MQTT_PORT is "65536"/],
    [
      'one port for two protocols',
      { HTTP_PORT: '5000', HTTPS_PORT: '5000' },
      /^HTTPS_PORT and HTTP_PORT are both 5000/,
    ],
    ["another door's default port", { HTTP_PORT: '1883' }, /^MQTT_PORT and HTTP_PORT are both 1883/],
    ['plain MQTT for the world', { HOST: '0.0.0.0', MQTT_PORT: '1883' }, /^MQTT_PORT is "1883" and HOST is "0.0.0.0"/],
    ['plain MQTT on any free port for the world', { HOST: '::', MQTT_PORT: '0' }, /^MQTT_PORT/],
    ['a host with a port', { HOST: 'localhost:80' }, /^HOST is "localhost:80"/],
    ['an address out of range', { HOST: '127.0.0.300' }, /^HOST/],
    ['a hub name with a scheme', { HUB_HOST_NAME: 'https://hub' }, /^HUB_HOST_NAME is "https:\/\/hub"/],
    ['a hub name with an empty label', { HUB_HOST_NAME: 'hub..example' }, /^HUB_HOST_NAME/],
    [
      'an issuer without TLS',
      { OIDC_ISSUER: 'http://a.example', OIDC_AUDIENCE: 'a' },
      /^"http:\/\/a.example" in OIDC_ISSUER/,
    ],
    [
      'an issuer with a query',
      { OIDC_ISSUER: 'https://a.example?b', OIDC_AUDIENCE: 'a' },
      /must be in OIDC_JWKS_FILE\.$/,
    ],
    [
      'an issuer without an audience',
      { OIDC_ISSUER: 'https://a.example' },
      /^OIDC_ISSUER is set, but OIDC_AUDIENCE is not/,
    ],
    ['an audience without an issuer', { OIDC_AUDIENCE: 'a' }, /^OIDC_AUDIENCE is set, but OIDC_ISSUER is not\.$/],
    ['a client without an issuer', { OIDC_CLIENT_ID: 'a' }, /^OIDC_CLIENT_ID is set, but OIDC_ISSUER is not\.$/],
    [
      'a client of an issuer that is not an address',
      { OIDC_CLIENT_ID: 'a', OIDC_ISSUER: 'own keys, https://a.example', OIDC_AUDIENCE: 'a', OIDC_JWKS_FILE: 'a' },
      /^OIDC_CLIENT_ID is set, but the first issuer in OIDC_ISSUER, "own keys", is not an address/,
    ],
    ['keys without an issuer', { OIDC_JWKS_FILE: 'a' }, /^OIDC_JWKS_FILE is set, but OIDC_ISSUER is not\.$/],
    [
      'a path with an empty name',
      { OIDC_ROLES_PATH: 'a..b' },
      /^OIDC_ROLES_PATH is "a..b"; it must be names separated/,
    ],
    [
      'an origin with a path',
      { ALLOWED_ORIGINS: 'https://app.example,https://app.example/x' },
      /^"https:\/\/app.example\/x" in ALLOWED_ORIGINS is not an origin, such as https:\/\/app.example:8443\.$/,
    ],
    ['all names of a domain', { ALLOWED_ORIGINS: 'https://*.example' }, /^"https:\/\/\*.example" in ALLOWED_ORIGINS/],
    ['pages without an origin', { ALLOWED_ORIGINS: 'null' }, /^"null" in ALLOWED_ORIGINS is not an origin/],
    ['every origin without tokens', { ALLOWED_ORIGINS: '*' }, /^ALLOWED_ORIGINS is \*, which requires tokens/],
    [
      'a network with bits after its prefix',
      { TRUSTED_PROXIES: '10.0.0.5/8' },
      /^"10.0.0.5\/8" in TRUSTED_PROXIES is neither an address, such as 10.0.0.7, nor a network/,
    ],
    ['plain HTTP as a switch', { PLAIN_HTTP: 'true' }, /^PLAIN_HTTP is "true"; it must be one of loopback, off, on/],
    [
      'the PROXY protocol as a switch',
      { PROXY_PROTOCOL: 'on', TRUSTED_PROXIES: '::1' },
      /^"on" in PROXY_PROTOCOL is not a port; it must be one of http, https, mqtt, mqtts\.$/,
    ],
    ['the PROXY protocol of nobody', { PROXY_PROTOCOL: 'mqtts' }, /^PROXY_PROTOCOL is set, but TRUSTED_PROXIES is not/],
    [
      'the PROXY protocol at a port that is off',
      { PROXY_PROTOCOL: 'mqtt', TRUSTED_PROXIES: '::1', HOST: '::' },
      /^PROXY_PROTOCOL names mqtt, but MQTT_PORT is off\.$/,
    ],
    ['a proxy by name', { TRUSTED_PROXIES: '10.0.0.7,proxy' }, /^"proxy" in TRUSTED_PROXIES is neither/],
    [
      'trusted documents only, but none',
      { TRUSTED_DOCUMENTS_ONLY: 'true' },
      /^TRUSTED_DOCUMENTS_ONLY is true, which requires/,
    ],
    [
      'GraphiQL where it could send nothing',
      { TRUSTED_DOCUMENTS: 'a', TRUSTED_DOCUMENTS_ONLY: 'true', GRAPHIQL: 'true' },
      /^GRAPHIQL is true, but TRUSTED_DOCUMENTS_ONLY is true/,
    ],
    ['an unknown log level', { LOG_LEVEL: 'INFO' }, /^LOG_LEVEL is "INFO"; it must be one of trace, debug, info/],
    ['a certificate without a key', { TLS_CERT: 'a' }, /^TLS_CERT is set, but TLS_KEY is not/],
    ['a key without a certificate', { TLS_KEY: 'a' }, /^TLS_KEY is set, but TLS_CERT is not/],
    ['no running job', { MAX_RUNNING_JOBS: '0' }, /^MAX_RUNNING_JOBS is "0"; it must be .* 1 to 1000/],
    ['too many running jobs', { MAX_RUNNING_JOBS: '1001' }, /^MAX_RUNNING_JOBS/],
    ['too long a history', { JOB_HISTORY_DAYS: '3651' }, /^JOB_HISTORY_DAYS is "3651"; it must be .* 1 to 3650/],
    ['an audit that is not kept', { AUDIT_DAYS: '0' }, /^AUDIT_DAYS is "0"; it must be .* 1 to 3650/],
    ['an unknown answer', { REST_UNKNOWN_JOB: '200' }, /^REST_UNKNOWN_JOB is "200"; it must be one of 404, unknown/],
    ['a switch in words', { REST_CANCEL_RUNNING: 'yes' }, /^REST_CANCEL_RUNNING is "yes"; it must be .* false, true/],
    ['a switch as a number', { STRICT_QUERY: '1' }, /^STRICT_QUERY is "1"; it must be .* false, true/],
    ['an unknown tier', { THROTTLE: 's1' }, /^THROTTLE is "s1"; it must be one of protect, S1, S2, S3, off/],
    ['units of no tier', { THROTTLE_UNITS: '2' }, /^THROTTLE_UNITS is set, but THROTTLE is protect/],
    ['too many units', { THROTTLE: 'S1', THROTTLE_UNITS: '201' }, /^THROTTLE_UNITS is "201"; it must be .* 1 to 200/],
    [
      'a limit without a time',
      { THROTTLE_METHODS: '160' },
      /^THROTTLE_METHODS is "160"; it must be .* 100\/s or 20\/min/,
    ],
    ['a limit of nothing', { THROTTLE_TWIN_UPDATES: '0/s' }, /^THROTTLE_TWIN_UPDATES is "0\/s"/],
    ['a limit by the hour', { THROTTLE_JOB_OPERATIONS: '5/h' }, /^THROTTLE_JOB_OPERATIONS is "5\/h"/],
    [
      'NATS between hubs that cannot be several',
      { BUS_URL: 'nats://a' },
      /^BUS_URL is set, but DATABASE_URL is not. The embedded database serves one hub only.$/,
    ],
    ['credentials for no NATS', { BUS_CREDENTIALS: 'a' }, /^BUS_CREDENTIALS is set, but BUS_URL is not.$/],
    ['an authority of no NATS', { BUS_CA: 'a' }, /^BUS_CA is set, but BUS_URL is not.$/],
    [
      'two users of NATS',
      { DATABASE_URL: 'postgres://db/x', BUS_URL: 'nats://ann:pw@a', BUS_CREDENTIALS: 'a' },
      /^BUS_CREDENTIALS is set, and BUS_URL contains a user or a token. Remove one of the two.$/,
    ],
    [
      'an authority of a NATS without TLS',
      { DATABASE_URL: 'postgres://db/x', BUS_URL: 'nats://a', BUS_CA: 'a' },
      /^BUS_CA is set, but BUS_URL does not begin with tls:\/\/.$/,
    ],
    ['too wide a window', { METHOD_WINDOW: '20001' }, /^METHOD_WINDOW is "20001"; it must be .* 1 to 20000/],
  ]
  test.each(refused)('%s', (_, env, problem) => expect(problemsOf(env)).toEqual([expect.stringMatching(problem)]))
})

describe('a secret that is refused', () => {
  const secrets: [string, string, string][] = [
    ['another database', 'DATABASE_URL', 'mysql://ann:hunter2@db/x'],
    ['an address that is none', 'DATABASE_URL', 'postgres://ann:hunter2@db:port/x'],
    ['another bus', 'BUS_URL', 'amqp://ann:hunter2@bus'],
    ['two users of a bus', 'BUS_URL', 'nats://ann:hunter2@a,eve:hunter2@b'],
    ['a key that is no base64', 'IOTHUB_OWNER_KEY', 'hunter2!'],
    ['a key without its padding', 'IOTHUB_OWNER_KEY', someKey.replace('=', '')],
    ['a short key', 'IOTHUB_OWNER_KEY', Buffer.alloc(15).toString('base64')],
    ['a long key', 'IOTHUB_OWNER_KEY', Buffer.alloc(65).toString('base64')],
  ]
  test.each(secrets)('is named and not shown: %s', (_, name, value) => {
    const [problem, ...others] = problemsOf({ [name]: value })
    expect(others).toEqual([])
    expect(problem).toMatch(new RegExp(`^${name} is not valid`))
    expect(problem).not.toContain(value)
    expect(problem).not.toContain('hunter2')
  })
})

test.each([
  'a,b/x',
  'ann:hunter2@a:5432,[::1]:5433/x?target_session_attrs=read-write',
  'a,b?target_session_attrs=primary',
])('several hosts of a database are taken: %s', (rest) =>
  expect(problemsOf({ DATABASE_URL: `postgres://${rest}` })).toEqual([]),
)

test.each([
  ['ann:hunter2@a,b:port/x', /^DATABASE_URL is not valid/],
  ['ann:hunter2@a,,b/x', /^DATABASE_URL is not valid/],
  ['ann:hunter2@a/x?host=a,b', /^DATABASE_URL names several hosts in a parameter. Write them in place of the host/],
  ['ann:hunter2@a/x?port=1,2', /^DATABASE_URL names several hosts in a parameter/],
  [
    'ann:hunter2@a,b/x?target_session_attrs=any',
    /^target_session_attrs in DATABASE_URL is "any"; it must be read-write/,
  ],
])('hosts of a database (%s) are refused without its password', (rest, problem) => {
  expect(problemsOf({ DATABASE_URL: `postgres://${rest}` })).toEqual([expect.stringMatching(problem)])
  expect(problemsOf({ DATABASE_URL: `postgres://${rest}` }).join()).not.toContain('hunter2')
})

test('a comma in a password is no second host', () => {
  expect(read({ DATABASE_URL: 'postgres://ann:a,b@db/x' }).databaseUrl).toBe('postgres://ann:a,b@db/x')
})

describe('loopback', () => {
  const hosts: [string, boolean][] = [
    ['127.0.0.1', true],
    ['127.255.0.9', true],
    ['::1', true],
    ['localhost', true],
    ['LOCALHOST', true],
    ['0.0.0.0', false],
    ['::', false],
    ['10.0.0.1', false],
    ['127.example.com', false],
    ['localhost.example.com', false],
  ]
  test.each(hosts)('%s: %s', (host, loopback) => {
    const config = read({ HOST: host })
    expect(config.loopback).toBe(loopback)
    expect(config.mqtt?.port).toBe(loopback ? 1883 : undefined)
  })

  const places: [string, Env, boolean][] = [
    ['HTTP on the network', { HTTP_HOST: '0.0.0.0' }, false],
    ['HTTPS on the network', { HTTPS_HOST: '10.0.0.7' }, false],
    ['MQTT by TLS on the network', { MQTTS_HOST: '0.0.0.0' }, true],
    ['all but HTTP on the network', { HOST: '0.0.0.0', HTTP_HOST: 'localhost', HTTPS_HOST: '::1' }, true],
    ['HTTP off on the network', { HOST: '0.0.0.0', HTTPS_HOST: '127.0.0.1', HTTP_PORT: 'off' }, true],
    ['HTTPS off on the network', { HOST: '0.0.0.0', HTTPS_PORT: 'off' }, false],
  ]
  test.each(places)('is all of HTTP with %s: %s %s', (_, env, loopback) => expect(read(env).loopback).toBe(loopback))
})

describe('a port', () => {
  test.each([
    ['HTTP', { HTTP_PORT: 'off' }, { http: undefined }],
    ['HTTPS', { HTTPS_PORT: 'off' }, { https: undefined }],
    ['MQTT', { MQTT_PORT: 'off' }, { mqtt: undefined }],
    ['MQTTS', { MQTTS_PORT: 'off' }, { mqtts: undefined }],
    ['METRICS', { METRICS_PORT: 'off' }, { metrics: undefined }],
  ])('%s can be off, whatever its address is', (name, env, off) => {
    expect(read({ ...env, [`${name}_HOST`]: '0.0.0.0' })).toEqual({ ...read({}), ...off })
  })

  it('has the address of HOST unless it has one of its own', () => {
    const { http, https, mqtt, mqtts } = read({ HOST: '10.0.0.7', MQTTS_HOST: '10.0.0.8', MQTT_HOST: '127.0.0.1' })
    expect([http, https, mqtt, mqtts].map((port) => port?.host)).toEqual([
      '10.0.0.7',
      '10.0.0.7',
      '127.0.0.1',
      '10.0.0.8',
    ])
  })
})
