import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createAuthenticator } from './access/authenticator-commands.ts'
import { findAuthority } from './access/authority-commands.ts'
import { wasOwnerKeyGiven } from './access/commands.ts'
import { openSignIn } from './access/oidc/provider-commands.ts'
import { openPeople } from './access/people-commands.ts'
import { defaultPolicies } from './access/policy.ts'
import { may } from './access/rights.ts'
import { openRoles, type Roles } from './access/role-commands.ts'
import { policyViewer, type Viewer } from './access/viewer.ts'
import { createAttachedDevices } from './attached-devices.ts'
import { createBus } from './bus/bus.ts'
import { subjectPrefix } from './bus/nats.ts'
import { cleanUpAfterInstance } from './clean-up-after-instance.ts'
import { type Clock, systemClock } from './clock.ts'
import type { Config } from './config.ts'
import { type DataFolder, openDataFolder } from './data-folder.ts'
import { createDb, type Db } from './database/client.ts'
import { clockFault } from './database/clock-difference.ts'
import { startEmbeddedPostgres } from './database/embedded/server.ts'
import { holdLease, type KeptLease, outlive, takeLeaseForGood } from './database/instance-lease.ts'
import { migrate } from './database/migrate.ts'
import { refuseTransactionPooling } from './database/refuse-pooler.ts'
import { findPrimary, serversOf } from './database/servers.ts'
import type { Deps } from './deps.ts'
import { createEvents } from './events/events.ts'
import { type Instances, joinInstances } from './events/instances.ts'
import { createTaps } from './events/taps.ts'
import { schema } from './graphql/schema.ts'
import { createGraphqlServer } from './graphql/transport/server.ts'
import { createTrustedDocuments, type TrustedDocuments } from './graphql/transport/trusted-documents.ts'
import { addressFor } from './http/address.ts'
import { mountConsole } from './http/console.ts'
import { withGraphiql } from './http/graphiql.ts'
import { createMetricsServer } from './http/metrics-server.ts'
import { withPreparedAnswer } from './http/prepared-answer.ts'
import { createHttpServer, type Mounts } from './http/server.ts'
import { mountWebHandler } from './http/web-handler.ts'
import type { InstanceRole } from './instance-roles.ts'
import { readRequestKey } from './job/store/jobs.ts'
import { createLifecycle, type Lifecycle } from './lifecycle.ts'
import { createAnswerRoom } from './limits/answer-room.ts'
import { createArrivals, openFileLimit } from './limits/arrivals.ts'
import { createProxies } from './limits/client-address.ts'
import { createLongTurns } from './limits/long-turns.ts'
import { createProxyProtocol } from './limits/proxy-protocol.ts'
import { createRequestRoom } from './limits/request-room.ts'
import { createAccessLog } from './log/access-log.ts'
import type { Log } from './log/log.ts'
import { createLog } from './log/log.ts'
import { answerInvocation } from './method/call-commands.ts'
import { answerCalls } from './method/remote-commands.ts'
import { createMetrics } from './metrics/metrics.ts'
import { type RoleWatch, watchRoles } from './missing-roles.ts'
import { createMqttServer } from './mqtt/broker.ts'
import { settlePolicyFile, watchPolicyFile } from './policy-sync.ts'
import { codeFolder, packageFolder } from './program/folders.ts'
import { type Checks, checkDisk, checkOf } from './readiness.ts'
import { recoverMissed } from './recover-missed.ts'
import { createRestHandler, looksLikeRest, openApi, restPaths } from './rest/router.ts'
import { type Scheduler, startScheduler } from './scheduler/scheduler.ts'
import { createThrottles } from './throttle/throttles.ts'
import { openTracing } from './tracing.ts'
import { createTwinThread } from './twin-thread/twin-thread.ts'
import { version } from './version.ts'
import { openCertificates, type WatchedCertificates } from './watched-certificates.ts'
import type { WatchedFile } from './watched-file.ts'

/** The addresses of a running hub. Those of a port that is off, or of a role that it does not have, are undefined. */
export type Addresses = {
  readonly http: string | undefined
  readonly https: string | undefined
  readonly mqtt: string | undefined
  readonly mqtts: string | undefined
  readonly graphql: string | undefined
  readonly console: string | undefined
  readonly metrics: string | undefined
}

/** The whole program. */
export type App = {
  /** Resolves when everything is ready. When a part cannot be started, the started ones are stopped again. */
  start(): Promise<Addresses>
  /**
   * Stops in the order that loses nothing: requests, jobs with the answers under way, devices, database. A start that
   * is under way ends with a StoppedError.
   */
  stop(): Promise<void>
  /**
   * Reads ROLES_FILE, the trusted documents and the certificates again, the latter for new connections: TLS_CERT and
   * TLS_KEY, or the hub's own, which is renewed when it is close to its end, and X509_CA. What cannot be used is logged
   * with the reason, and nothing of it changes. Never rejects.
   */
  reload(): Promise<void>
  /**
   * Shortens the graceful stop: skips what is optional, and gives the database up shortly after, even with unwritten
   * changes.
   */
  hurry(): void
}

/** The hub was stopped before it was ready. */
export class StoppedError extends Error {
  override readonly name = 'StoppedError'
  constructor() {
    super('The hub was stopped before it was ready.')
  }
}

/** Milliseconds that a stop waits for the answers to calls under way. Later answers are settled after a restart. */
const answerGrace = 3_000
/** Milliseconds for an answer of the database while the hub stops. */
const stopSilence = 3_000
/** Milliseconds to leave the other instances gracefully. */
const farewellTime = 2_000
/** Milliseconds for the remaining work of the database after a second request to stop. */
const hurried = 500
/** Milliseconds that a stop waits for a start that is under way. */
const startGrace = 3_000

/** What the log says about requests without TLS. */
const plainHttpTexts = {
  loopback: 'accepted from this machine, and from trusted proxies whose clients use TLS',
  off: 'only redirected to TLS',
  on: 'accepted from everywhere: on a network, tokens travel unencrypted',
} as const satisfies Record<Config['plainHttp'], string>

/** The output of `vite build`. */
const consoleFolder = fileURLToPath(new URL('dist/console', packageFolder))

/** The documents of the console and of the commands, as the code generator wrote them. */
const ownDocuments = ['console', 'commands'].map((program) =>
  fileURLToPath(new URL(`generated/${program}/persisted-documents.json`, codeFolder)),
)

/**
 * Assembles the parts: the only file that knows all of them. `machineClock` is compared with the clock of the database; it
 * is given when `clock` is moved on purpose.
 */
export function createApp(
  config: Config,
  options: { readonly log?: Log; readonly clock?: Clock; readonly machineClock?: Pick<Clock, 'now'> } = {},
): App {
  const clock = options.clock ?? systemClock
  const { machineClock = clock } = options
  const log = options.log ?? createLog(config.logLevel, clock)
  const lifecycle = createLifecycle()
  const { hubRoles } = config
  const [isGateway, isApi] = [hubRoles.includes('gateway'), hubRoles.includes('api')]
  const hurrying = new AbortController()
  const givingUp = new AbortController()
  const stopping = new AbortController()
  let started: Promise<Addresses> | undefined
  let isRunning = false
  let database: Db | undefined
  let instances: Instances | undefined
  let roleWatch: RoleWatch | undefined
  let lease: KeptLease | undefined
  /** Asks the other instances not to count on this one. */
  let retire = async (): Promise<void> => {}
  let notice: Promise<void> | undefined
  let isMigrated = false
  let certificates: WatchedCertificates | undefined
  let rolesFile: Roles | undefined
  let policies: WatchedFile | undefined
  let trusted: TrustedDocuments | undefined

  /** The reason in `/readyz` while the hub cannot work. */
  const whyNotReady = (): string | undefined => {
    if (stopping.signal.aborted) return 'The hub is stopping.'
    return database?.trouble() ?? (isRunning ? undefined : 'The hub is starting.')
  }
  /** The parts that `/readyz` shows, as far as this hub has them. */
  const check = async (folder: string): Promise<Checks> => ({
    database: checkOf(database === undefined ? 'The database is not open.' : database.trouble()),
    migrations: checkOf(isMigrated ? undefined : 'The migrations of the database have not run.'),
    ...(config.databaseUrl === undefined
      ? { disk: await checkDisk(folder) }
      : {
          instances: checkOf(whyNotJoined()),
          roles: checkOf(roleWatch?.whyMissing()),
          clock: checkOf(whyClockWrong()),
        }),
    ...(config.bus !== undefined && { bus: checkOf(whyNotOnNats()) }),
  })
  const whyNotJoined = (): string | undefined =>
    instances?.isConnected() ? undefined : 'Events of other instances are not received.'
  const whyClockWrong = (): string | undefined =>
    lease === undefined || lease.isClockRight() ? undefined : clockFault(lease.clockDifference())
  const whyNotOnNats = (): string | undefined =>
    instances?.isOnNats()
      ? undefined
      : 'No server in BUS_URL is connected. PostgreSQL carries messages between instances.'
  /** Registers how to stop what has just been started, and throws when the hub is being stopped. */
  const onStop: Lifecycle['onStop'] = (name, stop) => {
    lifecycle.onStop(name, stop)
    stopping.signal.throwIfAborted()
  }

  const start = async (): Promise<Addresses> => {
    const folder = await openDataFolder(config.dataDir)
    onStop('the data folder', () => folder.release())

    const { http: httpPort, https: httpsPort, mqtt: mqttPort, mqtts: mqttsPort } = config
    const ownNames = [httpPort, httpsPort, mqttPort, mqttsPort].flatMap((port) => port?.host ?? [])
    const hostNames = [...new Set([config.hubHostName, ...ownNames, 'localhost', '127.0.0.1', '::1', '[::1]'])]
    const metrics = config.metrics && createMetrics()
    metrics?.set('twincast_build_info', { version, roles: hubRoles.join(',') }, 1)
    const { tls, x509CaPath } = config
    const opened = await openCertificates(
      { clock, log, metrics },
      { folder: folder.path, hostNames: [config.hubHostName, ...ownNames], tls, x509CaPath },
    )
    onStop('the files of certificates', async () => opened.close())
    const { cert, key, deviceCa } = opened.current()
    if (config.trustedDocuments.length > 0) {
      const options = { files: config.trustedDocuments, own: ownDocuments, only: config.trustedDocumentsOnly }
      trusted = createTrustedDocuments({ clock, log, metrics }, schema, options)
      onStop('the files of trusted documents', () => trusted?.close())
    }
    const roles = await openRoles({ clock, log }, { path: config.rolesFile, metrics })
    onStop('the file of roles', async () => roles.close())
    const { oidc, rolesPath } = config
    const signIn = oidc && openSignIn({ clock, log }, oidc)
    onStop('the provider of sign-ins', async () => signIn?.close())
    const people = oidc && (await openPeople({ clock, log }, { ...oidc, rolesPath, roles, metrics }))
    onStop('the keys of issuers', async () => people?.close())

    const tracing = openTracing()
    const ground = { clock, log, limits: config.limits, metrics, tracing }
    const proxies = createProxies(config.trustedProxies)
    const accessLog = config.accessLog ? createAccessLog(log) : undefined
    const arrivals = createArrivals(ground, { openFiles: openFileLimit(), isProxy: proxies.isTrusted, metrics })
    const proxyProtocol = createProxyProtocol(ground, { ports: config.proxyProtocol, isTrusted: proxies.isTrusted })
    // Its probes answer before the database does, and as long as anything is left to stop.
    const http = createHttpServer(ground, {
      whyNotReady,
      checks: () => check(folder.path),
      arrivals,
      proxies,
      accessLog,
      proxyProtocol,
      plainHttp: config.plainHttp,
      cert,
      key,
    })
    onStop('the HTTP server', () => http.close())
    const web = await http.listen({ http: httpPort, https: httpsPort })
    const metricsServer = metrics && createMetricsServer(ground, metrics)
    onStop('the metrics server', () => metricsServer?.close())
    const metricsAddress = config.metrics && (await metricsServer?.listen(config.metrics))

    const servers = serversOf(config.databaseUrl ?? (await startEmbedded(folder)))
    const prepare = async (): Promise<void> => {
      await findPrimary(servers, stopping.signal)
      const { url } = servers.current
      if (config.databaseUrl !== undefined) await refuseTransactionPooling(url, log, stopping.signal)
      await migrate(url, log, stopping.signal)
    }
    await prepare().catch((error) => {
      stopping.signal.throwIfAborted()
      if (config.databaseUrl === undefined) throw error
      const hosts = servers.all.map(({ name }) => name).join(',')
      const { pathname } = new URL(servers.current.url) // without its password
      throw new Error(`The database that DATABASE_URL names (${hosts}${pathname}) cannot be used.`, { cause: error })
    })
    isMigrated = true
    const events = createEvents(clock)
    const bus = createBus(clock)
    const taps = createTaps({ bus, clock, events })
    onStop('the taps of telemetry', async () => taps.close())
    const db = createDb(servers, {
      limits: config.limits,
      log,
      clock,
      isEmbedded: config.databaseUrl === undefined,
      metrics,
      tracing,
      onSilent: () => instances?.reconnect(),
      onBack: () => events.lookAgain(),
    })
    database = db
    onStop('the database connections', () => db.close())
    /** Leaving must not take long: the connection may be dead, whatever the state of the others. */
    const briefly = async (farewell: Promise<void>): Promise<void> => {
      const said = new AbortController()
      const end = (): void => said.abort()
      farewell.then(end, end)
      if (db.trouble() !== undefined) return
      await systemClock.sleep(farewellTime, AbortSignal.any([said.signal, givingUp.signal]))
    }
    const throttles = createThrottles(clock, config.throttling, metrics)
    const isShared = config.sharedThrottling
    if (config.databaseUrl !== undefined) roleWatch = watchRoles({ log, metrics }, hubRoles)
    const clear = (dead: string): Promise<void> => cleanUpAfterInstance({ db, clock, events }, dead)
    const held =
      config.databaseUrl === undefined
        ? await takeLeaseForGood(db)
        : await holdLease(
            {
              servers,
              clock,
              machineClock,
              ms: config.limits.instanceLease,
              roles: hubRoles,
              ...(isShared && { demand: throttles.demand }),
              hints: () => instances?.hints() ?? 0,
              onError: (error) => log.warn({ err: error }, 'lease of this instance could not be renewed; retrying'),
            },
            {
              clear,
              seen(others) {
                roleWatch?.seen(others)
                instances?.seen(others)
                if (isShared) throttles.divide(others.map(({ demand }) => demand))
              },
              clockJudged(isRight, differenceInMs) {
                if (isRight) {
                  log.info('the clocks of the database and this machine agree again')
                  events.lookAgain()
                } else {
                  const details = { differenceInMs: Math.round(differenceInMs) }
                  log.warn(
                    details,
                    'the clocks of the database and this machine differ; no job starts and no device is called here',
                  )
                }
              },
              returned: () => events.publish('returned', {}),
              stranded: () => events.publish('stranded', {}),
            },
          )
    lease = held
    if (config.databaseUrl !== undefined) {
      metrics?.read('twincast_clock_difference_seconds', () => [{ labels: {}, value: held.clockDifference() / 1000 }])
    }
    retire = () => briefly(held.retire())
    onStop('the lease of this instance', () => briefly(held.leave()))
    const twinThread = createTwinThread()
    onStop('the thread of large twins', () => twinThread.close())
    const longTurns = createLongTurns(clock, config.limits)
    const deps: Deps = {
      db,
      clock,
      log,
      lease: held,
      events,
      bus,
      taps,
      attached: createAttachedDevices(),
      throttles,
      requestRoom: createRequestRoom(config.limits),
      twinThread,
      answerRoom: createAnswerRoom({ clock, limits: config.limits, longTurns }),
      longTurns,
      limits: config.limits,
      allowPrivateWebhooks: config.webhookAllowPrivate,
      metrics,
      tracing,
    }
    metrics?.read('twincast_queue_length', () => [
      { labels: { queue: 'answers' }, value: deps.answerRoom.waiting() },
      { labels: { queue: 'long_turns' }, value: deps.longTurns.waiting() },
    ])
    const settle = async (alone: boolean): Promise<void> => {
      await settlePolicyFile(deps, folder, config.ownerKey, alone)
      if (alone) await outlive(db, held, clear)
    }
    // The embedded PostgreSQL serves this process only.
    if (config.databaseUrl === undefined) await settle(true)
    else {
      const joined = await joinInstances(deps, {
        servers,
        living: held.others(),
        nats: config.bus && { settings: config.bus, prefix: subjectPrefix(await readRequestKey(db)) },
        recoverMissed: (since) => recoverMissed(deps, since),
      })
      onStop('the notification channel between instances', () => briefly(joined.close()))
      instances = joined
      await joined.enter(settle)
    }
    const watched = await watchPolicyFile(deps, folder, {
      configuredKey: config.ownerKey,
      isShared: config.databaseUrl !== undefined,
    })
    onStop('the file of policies', async () => watched.close())
    policies = watched
    // Devices are not admitted until the scheduler can take answers, and disconnected before it writes the last ones.
    let scheduler: Scheduler | undefined
    const mqtt = isGateway
      ? await createMqttServer(deps, {
          hostNames,
          arrivals,
          proxyProtocol,
          onMethodResponse(answer) {
            if (scheduler?.takeAnswer(answer)) return
            answerInvocation(deps, answer)
          },
        })
      : undefined
    onStop('the MQTT broker', () => mqtt?.close())
    const needsToken = (await wasOwnerKeyGiven(deps, config.ownerKey !== undefined)) || !config.loopback
    const anonymous = needsToken || people !== undefined ? undefined : owner()
    const authorityOf = findAuthority(deps, { roles: people && roles.table, anonymous })
    const running = await startScheduler(deps, {
      roles: hubRoles,
      maxRunning: config.maxRunningJobs,
      windowSize: config.methodWindow,
      historyDays: config.jobHistoryDays,
      auditDays: config.auditDays,
      authorityOf: async (author) => {
        const authority = await authorityOf(author)
        return authority && { mayWriteJobs: may(authority, 'writeJobs'), scope: authority.scope }
      },
      metrics,
    })
    scheduler = running
    const stopAnswering = isGateway ? answerCalls(deps) : undefined
    onStop('the calls for other instances', async () => stopAnswering?.())
    const drain = async (called: () => Iterable<string>): Promise<void> => {
      if (mqtt === undefined || (roleWatch?.others('gateway') ?? 0) === 0) return
      log.info({ devices: mqtt.stats().connections, ...config.drain }, 'disconnecting devices')
      await mqtt.drain(config.drain, {
        called: () => new Set([...called(), ...deps.attached.held()]),
        signal: hurrying.signal,
      })
    }
    onStop('the scheduler', () =>
      running.stop(answerGrace, { hurry: hurrying.signal, drain, hangUp: () => mqtt?.hangUp() }),
    )
    const devices = await mqtt?.listen({
      mqtt: mqttPort,
      mqtts: mqttsPort,
      cert,
      key,
      deviceCa,
    })
    opened.listen((other) => {
      http.renew(other)
      mqtt?.renew(other)
    })
    certificates = opened
    rolesFile = roles

    const apiMounts = async (): Promise<Mounts> => {
      const authenticator = createAuthenticator(deps, { hostNames, anonymous, people, metrics })
      const graphql = createGraphqlServer(deps, {
        hostNames,
        anonymous,
        authenticator,
        trusted,
        accessLog,
        arrivals,
        allowedOrigins: config.allowedOrigins,
      })
      const rest = createRestHandler(deps, {
        hostNames,
        choices: {
          unknownJob: config.restUnknownJob,
          cancelRunning: config.restCancelRunning,
          strictQuery: config.strictQuery,
        },
      })
      const isGraphiqlOn = (anonymous !== undefined && !config.trustedDocumentsOnly) || config.graphiql
      return {
        graphql: isGraphiqlOn ? withGraphiql(deps, graphql, consoleFolder) : graphql,
        rest: await Promise.all(
          mountWebHandler(deps, restPaths, rest, looksLikeRest).map((mount) =>
            mount.path === openApi.path ? withPreparedAnswer(mount, openApi) : mount,
          ),
        ),
        console: mountConsole(deps, consoleFolder, {
          hubHostName: config.hubHostName,
          // Devices connect to gateways, at the same port as far as this instance can know.
          mqttsPort: isGateway ? devices?.mqtts?.port : mqttsPort?.port,
          graphiql: isGraphiqlOn,
          signIn: signIn?.settings,
        }),
        audit: graphql.audit,
        results: graphql.results,
        schemaFile: graphql.schemaFile,
      }
    }
    http.open({ ...(isApi && (await apiMounts())), ...(mqtt && { mqtt: mqtt.webSocket }) })
    // First of all: new clients should go elsewhere, and current ones may finish.
    onStop('the endpoints', () => {
      mqtt?.turnAway()
      return http.drain(hurrying.signal)
    })
    isRunning = true
    const base = config.plainHttp === 'off' ? web.https : (web.http ?? web.https)
    const addresses: Addresses = {
      ...web,
      mqtt: mqttPort && devices?.mqtt && addressFor('mqtt', mqttPort.host, devices.mqtt.port),
      mqtts: mqttsPort && devices?.mqtts && addressFor('mqtts', mqttsPort.host, devices.mqtts.port),
      graphql: isApi && base !== undefined ? `${base}/graphql` : undefined,
      console: isApi && base !== undefined ? `${base}/console/` : undefined,
      metrics: metricsAddress,
    }
    log.info(
      {
        ...addresses,
        hubRoles,
        plainHttp: plainHttpTexts[config.plainHttp],
        ...(config.allowedOrigins.length > 0 && { allowedOrigins: config.allowedOrigins }),
        ...(oidc !== undefined && { issuers: oidc.issuers }),
        ...(config.rolesFile !== undefined && { roles: roles.fingerprint() }),
        ...(isApi && {
          access:
            anonymous === undefined
              ? 'every request needs a token'
              : 'GraphQL requests from this machine need no token and have all rights',
        }),
      },
      'ready',
    )
    return addresses
  }

  const startEmbedded = async (folder: DataFolder): Promise<string> => {
    const postgres = await startEmbeddedPostgres({ folder, log })
    onStop('the embedded PostgreSQL', () => postgres.stop())
    return postgres.url
  }

  /**
   * Goes on for a while, so that balancers see that this instance is not ready and lead clients to the others. Without
   * others that do the same, nobody would benefit.
   */
  const giveNotice = async (): Promise<void> => {
    const isAny = (...roles: readonly InstanceRole[]): boolean =>
      roles.some((role) => (roleWatch?.others(role) ?? 0) > 0)
    // The embedded PostgreSQL serves this instance only. Otherwise, one that has just started may not be known yet.
    if (!isRunning || config.databaseUrl === undefined) return
    await retire()
    if (isAny(...hubRoles.filter((role) => role !== 'worker')))
      await systemClock.sleep(config.drain.noticeSeconds * 1000, hurrying.signal)
  }

  const stop = async (): Promise<void> => {
    if (!stopping.signal.aborted) stopping.abort(new StoppedError())
    notice ??= giveNotice()
    await notice
    database?.hurry(stopSilence)
    // The part that is being started is stopped too, unless that takes too long.
    const begun = new AbortController()
    await Promise.race([
      started?.catch(() => {}),
      clock.sleep(startGrace, AbortSignal.any([hurrying.signal, begun.signal])),
    ])
    begun.abort()
    await lifecycle.stop()
  }

  /** Whatever the database does: silence, locks and slowness included. */
  const giveUpSoon = async (): Promise<void> => {
    if (database?.trouble() === undefined) await systemClock.sleep(hurried)
    givingUp.abort()
    database?.giveUp()
  }

  return {
    async start() {
      const stopped = once(stopping.signal, 'abort').then(() => stopping.signal.throwIfAborted())
      stopped.catch(() => {})
      started = start()
      try {
        await Promise.race([started, stopped])
        return await started
      } catch (error) {
        await stop()
        throw error
      }
    },
    stop() {
      if (!stopping.signal.aborted) log.info('stopping')
      return stop()
    },
    async reload() {
      if (certificates === undefined || stopping.signal.aborted) {
        log.warn('certificates not reloaded: the hub is not running')
        return
      }
      await rolesFile?.reload()
      await policies?.reload()
      if (await certificates.reload()) log.info('certificates reloaded; the environment is read at start only')
      await trusted?.reload()
    },
    hurry() {
      if (hurrying.signal.aborted) return
      log.info('stopping at once: writes that the database does not accept immediately are abandoned')
      hurrying.abort()
      void giveUpSoon()
    },
  }
}

/** The rights of an unauthenticated client on this machine, as long as no key was ever configured. */
function owner(): Viewer {
  const rights = defaultPolicies.find(({ name }) => name === 'iothubowner')?.rights ?? new Set()
  return policyViewer({ name: 'iothubowner', rights }, undefined, 'anonymous')
}
