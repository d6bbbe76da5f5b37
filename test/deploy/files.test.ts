import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { readConfig } from '../../src/config.ts'
import { createArrivals } from '../../src/limits/arrivals.ts'
import { defaultLimits } from '../../src/limits/limits.ts'
import { loadOrMakeCertificate } from '../../src/tls/certificate.ts'
import { createTestClock } from '../support/clock.ts'
import { findProgram } from '../support/programs.ts'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(resolve(root, file), 'utf8')

/** Every variable that the hub reads. */
const known = new Set<string>()
readConfig(new Proxy({}, { get: (_env, name) => void known.add(String(name)) }), '/')

/** The value that a file gives a variable, with what a user has to fill in. */
const filledIn = (value: string): string =>
  value
    .replace(/\$\{(\w+):\?[^}]*\}/g, (_, name: string) => ({ HUB_HOST_NAME: 'hub.example' })[name] ?? key)
    .replace(/\$\{\w+:-([^}]*)\}/g, '$1')
const key = Buffer.alloc(32, 7).toString('hex')

const compose = parse(read('compose.yaml'))
const severalFile = 'deploy/compose/several-instances.yaml'
const several = parse(read(severalFile), { merge: true })

/** The lines of a file that set variables, in one of its groups. */
const variablesIn = (file: string, pattern: RegExp): Record<string, string> =>
  Object.fromEntries([...read(file).matchAll(pattern)].map(([, name = '', value = '']) => [name, value]))

const places: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ['Dockerfile', variablesIn('Dockerfile', /^ENV (\w+)=(.*)$/gm)],
  ['compose.yaml', compose.services.hub.environment],
  ...['gateway-1', 'gateway-2', 'gateway-3', 'api-1', 'api-2', 'worker'].map(
    (name) => [`${severalFile}, ${name}`, several.services[name].environment] as const,
  ),
  ['deploy/systemd/twincast.service', variablesIn('deploy/systemd/twincast.service', /^Environment=(\w+)=(.*)$/gm)],
  ['deploy/nginx/nginx.conf', variablesIn('deploy/nginx/nginx.conf', /^# {3}(\w+)=(.*)$/gm)],
  ['deploy/haproxy/haproxy.cfg', variablesIn('deploy/haproxy/haproxy.cfg', /^# {3}(\w+)=(.*)$/gm)],
  ['deploy/haproxy/several-instances.cfg', variablesIn('deploy/haproxy/several-instances.cfg', /^# {3}(\w+)=(.*)$/gm)],
  ['deploy/haproxy/roles.cfg', variablesIn('deploy/haproxy/roles.cfg', /^# {3}(\w+)=(.*)$/gm)],
]

test.each(places)('%s sets variables that the hub reads, to values that it accepts', (_file, variables) => {
  const { NODE_ENV: _, PATH: _path, ...own } = variables
  expect(Object.keys(own).length).toBeGreaterThan(0)
  expect(Object.keys(own).filter((name) => !known.has(name))).toEqual([])
  const env = Object.fromEntries(Object.entries(own).map(([name, value]) => [name, filledIn(value)]))
  const { IOTHUB_OWNER_KEY: __, ...others } = env
  expect(() => readConfig(others, '/')).not.toThrow()
})

describe('the image', () => {
  test('has the ports of its own configuration', () => {
    const { http, https, mqtt, mqtts, metrics } = readConfig(variablesIn('Dockerfile', /^ENV (\w+)=(.*)$/gm), '/')
    const [, exposed] = /^EXPOSE (.*)$/m.exec(read('Dockerfile')) ?? []
    expect(exposed).toBe([https, mqtts, metrics].map((port) => port?.port).join(' '))
    expect([http?.host, mqtt]).toEqual(['127.0.0.1', undefined])
    expect(compose.services.hub.ports).toEqual([https, mqtts].map((port) => `${port?.port}:${port?.port}`))
  })

  test('is built with the Node.js of .nvmrc', () => {
    const versions = [...read('Dockerfile').matchAll(/^FROM node:([\d.]+)-bookworm-slim/gm)].map(
      ([, version]) => version,
    )
    expect(versions).toEqual([read('.nvmrc').trim(), read('.nvmrc').trim()])
  })

  test('is built from every file of the repository', async () => {
    const { stdout } = await run('git', ['ls-files', '--cached', '--ignored', '--exclude-from=.dockerignore'], {
      cwd: root,
    })
    expect(stdout).toBe('')
  })
})

describe('the services of PostgreSQL', () => {
  const databases = { compose, several }
  test.each(Object.entries(databases))('of %s are healthy only when they accept connections', (_name, { services }) => {
    const all: { image: string; healthcheck?: { test: string[] } }[] = Object.values(services)
    const checks = all.filter(({ image }) => image.startsWith('postgres:')).map(({ healthcheck }) => healthcheck?.test)
    expect(checks.length).toBeGreaterThan(0)
    // While the database is being created, PostgreSQL listens to its socket only.
    for (const check of checks) expect(check).toContain('--host=127.0.0.1')
  })
})

test('PostgreSQL has more shared memory than containers have by default', () => {
  const all: { image: string; shm_size?: string }[] = [compose, several].flatMap(({ services }) =>
    Object.values(services),
  )
  const sizes = all.filter(({ image }) => image.startsWith('postgres:')).map(({ shm_size }) => shm_size)
  expect(sizes).toEqual(['256mb', '256mb', '256mb'])
  // The embedded one, in the container of the hub.
  expect(read('docs/deployment.md')).toContain('--shm-size 256m')
})

test('a hub may open as many files as its limits of connections need', () => {
  const unit = /^LimitNOFILE=(\d+)$/m.exec(read('deploy/systemd/twincast.service'))?.[1]
  const shown = /--ulimit nofile=(\d+)/.exec(read('docs/deployment.md'))?.[1]
  const inFiles = [compose.services.hub, several.services.worker].map(({ ulimits }) => ulimits.nofile)
  for (const openFiles of [unit, shown, ...inFiles].map(Number)) {
    const lines: string[] = []
    const log = pino({ level: 'warn' }, { write: (line: string) => lines.push(line) })
    createArrivals({ clock: createTestClock(), log, limits: defaultLimits }, { openFiles })
    expect(lines).toEqual([])
  }
})

describe('compose.yaml', () => {
  test('builds the image when it is missing, and asks no registry for it', () => {
    expect(compose.services.hub).toMatchObject({ build: '.', pull_policy: 'never' })
  })

  test('mounts what there is, and uses volumes that it declares', () => {
    const mounts: string[] = Object.values<{ volumes?: string[] }>(compose.services).flatMap(
      ({ volumes = [] }) => volumes,
    )
    const sources = mounts.map((mount) => mount.split(':')[0] ?? '')
    expect(sources.filter((source) => source.startsWith('.') && !existsSync(resolve(root, source)))).toEqual([])
    expect(sources.filter((source) => !source.startsWith('.')).sort()).toEqual(Object.keys(compose.volumes).sort())
  })

  test('gives the database the user and the name that the hub uses', () => {
    const { hub, postgres } = compose.services
    const url = new URL(filledIn(hub.environment.DATABASE_URL))
    const { POSTGRES_USER, POSTGRES_DB, POSTGRES_PASSWORD } = postgres.environment
    expect([url.username, url.pathname, url.hostname]).toEqual([POSTGRES_USER, `/${POSTGRES_DB}`, 'postgres'])
    expect(url.password).toBe(filledIn(POSTGRES_PASSWORD))
  })

  test('names the service of NATS for those who use it', () => {
    const [, url] = /^# {3}BUS_URL=(\S+)/m.exec(read('compose.yaml')) ?? []
    const { DATABASE_URL } = compose.services.hub.environment
    const config = readConfig({ DATABASE_URL: filledIn(DATABASE_URL), BUS_URL: url }, '/')
    expect(Object.keys(compose.services)).toContain(config.bus?.address.servers[0]?.split(':')[0])
    expect(filledIn(compose.services.hub.environment.BUS_URL)).toBe('')
  })

  test('shows the dashboard with the metrics that Prometheus collects from the hub, also after its container starts again', () => {
    // The network of a container is a new one after each start, so no other container may use it.
    const services: { network_mode?: string }[] = Object.values(compose.services)
    expect(services.filter(({ network_mode }) => network_mode !== undefined)).toEqual([])
    const { scrape_configs: jobs } = parse(read('deploy/compose/prometheus.yml'))
    expect(jobs[0].static_configs[0].targets).toEqual([`hub:${readConfig({}, '/').metrics?.port}`])
    const { datasources } = parse(read('deploy/grafana/provisioning/datasources/prometheus.yml'))
    expect(datasources).toMatchObject([{ type: 'prometheus', url: 'http://prometheus:9090', isDefault: true }])
    const { providers } = parse(read('deploy/grafana/provisioning/dashboards/twincast.yml'))
    const shown = compose.services.grafana.volumes.find((mount: string) => mount.includes('twincast.json'))
    expect(shown).toContain(`${providers[0].options.path}/twincast.json`)
  })
})

describe('several-instances.yaml', () => {
  const balancer = read('deploy/haproxy/roles.cfg')
  const settings = (name: string) => {
    const { IOTHUB_OWNER_KEY: _, ...environment } = several.services[name].environment
    const given = Object.entries<string>(environment).map(([each, value]) => [each, filledIn(value)])
    return readConfig({ ...variablesIn('Dockerfile', /^ENV (\w+)=(.*)$/gm), ...Object.fromEntries(given) }, '/')
  }
  /** The services that have a role. */
  const having = (role: string): string[] =>
    Object.keys(several.services).filter((name) => several.services[name].environment?.HUB_ROLES === role)

  test('has three gateways, two apis and a worker, alike but for their roles', () => {
    expect(['gateway', 'api', 'worker'].map((role) => having(role).length)).toEqual([3, 2, 1])
    // Only one builds the image. Several builds of one image at the same time disturb each other.
    const { environment: first, build, ...container } = several.services['gateway-1']
    expect([build, container.pull_policy]).toEqual(['../..', 'never'])
    for (const name of ['api-1', 'api-2', 'worker']) {
      const { environment, ...other } = several.services[name]
      expect(other).toEqual(container)
      expect({ ...environment, HUB_ROLES: 'gateway' }).toEqual(first)
    }
  })

  test('connects them to its own databases, NATS and balancer', () => {
    const { bus } = settings('gateway-1')
    const url = filledIn(several.services.worker.environment.DATABASE_URL)
    const [, user, password, hosts = '', name] = /^postgresql:\/\/(\w+):(\w+)@([^/]+)\/(\w+)\?/.exec(url) ?? []
    const databases = Object.keys(several.services).filter((each) => several.services[each].image === 'postgres:18')
    expect(hosts.split(',')).toEqual(databases.map((each) => `${each}:5432`))
    for (const [index, each] of databases.entries()) {
      const { hostname, environment } = several.services[each]
      const { POSTGRES_USER, POSTGRES_DB, POSTGRES_PASSWORD, PGPASSWORD, PEER, PRIMARY } = environment
      expect([user, name, password]).toEqual([POSTGRES_USER, POSTGRES_DB, filledIn(POSTGRES_PASSWORD)])
      expect(PGPASSWORD).toBe(POSTGRES_PASSWORD)
      expect([hostname, PEER, filledIn(PRIMARY)]).toEqual([each, databases[1 - index], databases[0]])
    }
    expect(Object.keys(several.services)).toContain(bus?.address.servers[0]?.split(':')[0])
    const { ipv4_address: address } = several.services.balancer.networks.default
    expect(several.services['gateway-1'].environment.TRUSTED_PROXIES).toBe(address)
    // Docker gives other containers addresses of the upper half, and never that of the balancer.
    const [subnet, range] = ['0/24', '128/25'].map((end) => address.replace(/\d+$/, end))
    expect(several.networks.default.ipam.config).toEqual([{ subnet, ip_range: range }])
    expect(Number(address.split('.')[3])).toBeLessThan(128)
  })

  test('leads devices and clients to the ports of those that serve them', () => {
    const { http, mqtts, proxyProtocol } = settings('gateway-1')
    const serversOf = (backend: string): string[] => {
      const [, lines = ''] = new RegExp(`^backend ${backend}\n((?: .*\n)*)`, 'm').exec(balancer) ?? []
      return [...lines.matchAll(/^ {2}server \S+ (.*)$/gm)].map(([, server = '']) => server)
    }
    expect(proxyProtocol).toEqual(['mqtts'])
    expect(serversOf('gateways')).toEqual(
      having('gateway').map((name) => `${name}:${mqtts?.port} send-proxy-v2 port ${http?.port}`),
    )
    expect(serversOf('gateways-for-websockets')).toEqual(having('gateway').map((name) => `${name}:${http?.port}`))
    expect(serversOf('apis')).toEqual(having('api').map((name) => `${name}:${http?.port}`))
    const ports = [...balancer.matchAll(/^ {2}bind :(\d+)/gm)].map(([, port]) => `${port}:${port}`)
    expect(several.services.balancer.ports).toEqual(ports)
  })

  test('mounts what there is, and uses volumes that it declares', () => {
    const services: { volumes?: string[] }[] = Object.values(several.services)
    const sources = new Set(services.flatMap(({ volumes = [] }) => volumes.map((mount) => mount.split(':')[0] ?? '')))
    const isThere = (source: string): boolean => existsSync(resolve(root, 'deploy/compose', source))
    const files = [...sources].filter((source) => source.startsWith('.'))
    expect(files.filter((source) => !isThere(source))).toEqual(['./certificates']) // the user has them
    expect([...sources].filter((source) => !source.startsWith('.'))).toEqual(Object.keys(several.volumes))
  })

  test('starts PostgreSQL by scripts that bash understands', async () => {
    for (const script of ['replication.sh', 'database.sh']) {
      expect((await run('bash', ['-n', resolve(root, 'deploy/compose', script)])).stderr).toBe('')
    }
  })

  const haproxy = findProgram('haproxy')
  test.skipIf(haproxy === undefined)('has a configuration of HAProxy without errors', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'twincast-roles-'))
    try {
      const pem = await loadOrMakeCertificate(folder, { hostNames: ['hub.example'], now: new Date() })
      await writeFile(join(folder, 'hub-with-key.pem'), pem.cert + pem.key)
      const file = join(folder, 'haproxy.cfg')
      await writeFile(file, balancer.replace('/etc/twincast', folder))
      const { stdout } = await run(haproxy ?? '', ['-c', '-f', file])
      expect(stdout).toContain('Configuration file is valid')
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

const analyze = findProgram('systemd-analyze')

describe.skipIf(analyze === undefined)('the unit of systemd', () => {
  let folder: string
  let unit: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'twincast-unit-'))
    unit = join(folder, 'twincast.service')
    // systemd looks for the program.
    const text = await readFile(resolve(root, 'deploy/systemd/twincast.service'), 'utf8')
    await writeFile(unit, text.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`))
  })
  afterAll(() => rm(folder, { recursive: true }))

  test('has no line that systemd does not understand', async () => {
    const { stdout, stderr } = await run(analyze ?? '', ['verify', '--man=no', '--recursive-errors=no', unit])
    expect(stdout + stderr).toBe('')
  })

  test('is exposed to little', async () => {
    const { stdout } = await run(analyze ?? '', ['security', '--offline=true', '--no-pager', '--threshold=20', unit])
    expect(stdout).toContain('Overall exposure level for twincast.service')
  })

  test('starts the command of the package', () => {
    const [, path = ''] = /^ExecStart=(\/opt\/\S+) start$/m.exec(read('deploy/systemd/twincast.service')) ?? []
    const { bin } = JSON.parse(read('package.json'))
    expect(path).toBe(`/opt/twincast/node_modules/twincast/${bin.twincast}`)
  })
})
