/** One budget: how much of something one client, or all of them together, may use. */
export type Limit = {
  /** The environment variable that changes it. */
  readonly variable: `LIMIT_${string}`
  readonly default: number
  readonly min: number
  readonly max: number
  readonly unit: 'bytes' | 'ms' | 'per second' | 'count'
  /** What is counted, and per whom. */
  readonly what: string
  /** What a client gets that exceeds it. */
  readonly answer: string
}

/**
 * Every budget of the hub, by topic. The defaults do not affect ordinary clients: 40 twin patches in one write, 100
 * twins on a page, a console with ten tabs, 20,000 devices that reconnect after a restart. `docs/limits.md` is printed
 * from this table (`npm run limits`).
 */
export const limitTable = {
  // HTTP and TLS
  httpConnections: {
    variable: 'LIMIT_HTTP_CONNECTIONS',
    default: 22_000,
    min: 1,
    max: 1_000_000,
    unit: 'count',
    what: 'open connections of each of the two HTTP ports, WebSockets included',
    answer: 'the connection is closed at once',
  },
  httpPipelinedRequests: {
    variable: 'LIMIT_HTTP_PIPELINED_REQUESTS',
    default: 8,
    min: 2,
    max: 1_000,
    unit: 'count',
    what: 'requests of one HTTP connection that are processed concurrently. Those that need no token, such as /healthz, are processed a millisecond apart',
    answer: 'further requests are read after earlier responses are sent',
  },
  httpWriteTimeout: {
    variable: 'LIMIT_HTTP_WRITE_TIMEOUT',
    default: 15_000,
    min: 10,
    max: 3_600_000,
    unit: 'ms',
    what: 'how long a response waits for a client that reads nothing',
    answer: 'the connection is closed',
  },
  metricsConnections: {
    variable: 'LIMIT_METRICS_CONNECTIONS',
    default: 20,
    min: 1,
    max: 1_000,
    unit: 'count',
    what: 'open connections of METRICS_PORT, which do not count in other limits: metrics are available while the other ports are full',
    answer: 'the connection is closed at once',
  },
  addressConnections: {
    variable: 'LIMIT_ADDRESS_CONNECTIONS',
    default: 20_000,
    min: 1,
    max: 1_000_000,
    unit: 'count',
    what: 'open connections from one address (with IPv6, one /64) to each port; the rest of the capacity of the port stays available to other addresses. The proxies in TRUSTED_PROXIES are exempt',
    answer: 'the connection is closed at once',
  },
  addressNewConnections: {
    variable: 'LIMIT_ADDRESS_NEW_CONNECTIONS',
    default: 2_000,
    min: 1,
    max: 100_000,
    unit: 'per second',
    what: 'new connections from one address to the HTTP ports, and separately to the MQTT ports; bursts of ten times as many. The proxies in TRUSTED_PROXIES are exempt',
    answer: 'the connection is closed at once',
  },
  addressHandshakes: {
    variable: 'LIMIT_ADDRESS_HANDSHAKES',
    default: 2_000,
    min: 1,
    max: 1_000_000,
    unit: 'count',
    what: 'open connections from one address whose client has not introduced itself: no complete head of an HTTP request, no `connection_init` on a GraphQL WebSocket, no MQTT CONNECT has arrived. A client whose first TLS message waits for the hub does not count. The proxies in TRUSTED_PROXIES are exempt; WebSockets through them count for the address of the client',
    answer: 'the oldest of them that have waited for 2 seconds are closed, GraphQL WebSockets with the close code 1013',
  },
  addressSockets: {
    variable: 'LIMIT_ADDRESS_SOCKETS',
    default: 5_000,
    min: 1,
    max: 1_000_000,
    unit: 'count',
    what: 'open GraphQL WebSockets from one address (behind a proxy in TRUSTED_PROXIES: that of the client); all addresses together have 10,000',
    answer: '503 instead of a WebSocket, with the reason as text',
  },
  webSocketFrames: {
    variable: 'LIMIT_WEBSOCKET_FRAMES',
    default: 8_000,
    min: 1,
    max: 1_000_000,
    unit: 'per second',
    what: 'frames of one GraphQL or MQTT WebSocket, including pings and empty frames; bursts of twice as many',
    answer: 'reading from the WebSocket is delayed',
  },
  addressFailures: {
    variable: 'LIMIT_ADDRESS_FAILURES',
    default: 100,
    min: 1,
    max: 100_000,
    unit: 'per second',
    what: 'HTTP requests, GraphQL WebSockets and MQTT connections from one address (behind a proxy in TRUSTED_PROXIES: that of the client) that are refused because of their token or certificate; bursts of ten times as many',
    answer:
      '429, the close code 4403 over GraphQL WebSockets, or CONNACK 3 over MQTT, to tokens from that address that were not accepted before, after 0.5 to 1.5 seconds',
  },
  // MQTT
  mqttConnections: {
    variable: 'LIMIT_MQTT_CONNECTIONS',
    default: 22_000,
    min: 1,
    max: 1_000_000,
    unit: 'count',
    what: 'open connections of each of the two MQTT ports',
    answer: 'the connection is closed at once',
  },
  mqttConnects: {
    variable: 'LIMIT_MQTT_CONNECTS',
    default: 5,
    min: 1,
    max: 1_000_000,
    unit: 'per second',
    what: 'connections of one device; bursts of four times as many',
    answer: 'the connection is accepted later; a newer connection ends one that waits',
  },
  mqttPackets: {
    variable: 'LIMIT_MQTT_PACKETS',
    default: 2_000,
    min: 1,
    max: 1_000_000,
    unit: 'per second',
    what: 'packets of one device; bursts of twice as many. A twin request or a topic filter counts as 20 packets. Each 128 bytes of a twin or a patch count as one more, and so do 20 properties of a telemetry message while a client subscribes to it',
    answer: 'reading from the device is delayed',
  },
  mqttBytes: {
    variable: 'LIMIT_MQTT_BYTES',
    default: 4 * 1024 * 1024,
    min: 1024,
    max: 1024 * 1024 * 1024,
    unit: 'bytes',
    what: 'bytes per second from one device; bursts of twice as many',
    answer: 'reading from the device is delayed',
  },
  // Requests
  requestBytes: {
    variable: 'LIMIT_REQUEST_BYTES',
    default: 32 * 1024 * 1024,
    min: 1024 * 1024,
    max: 1024 * 1024 * 1024,
    unit: 'bytes',
    what: 'request texts of one caller (a policy at an address) that are in progress, including subscriptions; four times as many of all callers together, where a text of up to 16 KB is always accepted. A body without Content-Length counts as the longest that is allowed',
    answer: 'GraphQL: an error LIMIT_EXCEEDED; REST: 429 ThrottlingException',
  },
  documentBytes: {
    variable: 'LIMIT_DOCUMENT_BYTES',
    default: 64 * 1024,
    min: 16 * 1024,
    max: 1024 * 1024,
    unit: 'bytes',
    what: 'the text of a GraphQL document, without its variables. Trusted documents are exempt',
    answer: 'an error LIMIT_EXCEEDED: pass values as variables',
  },
  longTurns: {
    variable: 'LIMIT_LONG_TURNS',
    default: 5,
    min: 1,
    max: 1_000,
    unit: 'ms',
    what: 'time per second in which the hub works for one caller (a policy at an address) without giving way, and so serves nobody else: requests of 4 KB or more that are parsed and checked, messages of a GraphQL WebSocket included, and conditions of 256 characters or more that the fields of a GraphQL request select devices by. Turns of less than 1 ms count while they take more than five times the limit per second together. 64 KB of a request count as 1 ms, if parsing them is faster. What was not used in the last 100 seconds may be used at once. Applies while other callers send requests too',
    answer:
      'such requests and conditions of the caller are handled one at a time, with up to 5 seconds between them; smaller requests do not wait, but the hub reads nothing more from a WebSocket whose message waits. When 1,000 wait, GraphQL: an error LIMIT_EXCEEDED, and over WebSockets the close code 1013; REST: 429 ThrottlingException',
  },
  // Answers
  answerBytes: {
    variable: 'LIMIT_ANSWER_BYTES',
    default: 8 * 1024 * 1024,
    min: 64 * 1024,
    max: 1024 * 1024 * 1024,
    unit: 'bytes',
    what: 'one GraphQL response, or one event of a subscription: 100 full twins fit, or 50 with ordinary metadata',
    answer: 'an error LIMIT_EXCEEDED: request fewer rows per page, or fewer fields',
  },
  answersBytes: {
    variable: 'LIMIT_ANSWERS_BYTES',
    default: 64 * 1024 * 1024,
    min: 64 * 1024,
    max: 16 * 1024 * 1024 * 1024,
    unit: 'bytes',
    what: 'GraphQL responses and events of subscriptions with twins, payloads or patches, REST pages, twins and jobs, and exports of the audit and of the results of jobs, of one caller (a policy at an address), from before their data is read until they are sent; four times as many of all callers together. A GraphQL response or event counts as LIMIT_ANSWER_BYTES until it is complete; one event that several subscriptions share counts once, and while it is sent once per caller; events of up to 16 KB count only while they are read. A page and an export count as LIMIT_PAGE_BYTES, a twin of REST as the largest twin that LIMIT_TWIN_BYTES and LIMIT_TWIN_MEMBERS allow',
    answer:
      'the response waits for up to 10 seconds; then GraphQL: an error LIMIT_EXCEEDED; REST: 429 ThrottlingException; exports: 429. An event of an open subscription waits as long as necessary',
  },
  largeAnswers: {
    variable: 'LIMIT_LARGE_ANSWERS',
    default: 4 * 1024 * 1024,
    min: 64 * 1024,
    max: 1024 * 1024 * 1024,
    unit: 'bytes',
    what: 'bytes per second of the large answers of one caller (a policy at an address): GraphQL responses and events with documents, REST pages, twins and jobs, and pages of exports, of 256 KB or more each. Up to 32 MB more that were not used before may be used at once; they come back at a tenth of the rate. Applies while other callers send requests too',
    answer:
      'a large answer of the caller waits for up to 5 seconds before it is sent, and its data is read with pauses of 10 ms. Smaller answers and other callers do not wait',
  },
  pageBytes: {
    variable: 'LIMIT_PAGE_BYTES',
    default: 4 * 1024 * 1024,
    min: 64 * 1024,
    max: 1024 * 1024 * 1024,
    unit: 'bytes',
    what: 'the rows of one REST page',
    answer: 'the page ends early, with a continuation token; a single row that is larger is refused with 413',
  },
  socketBytes: {
    variable: 'LIMIT_SOCKET_BYTES',
    default: 2 * 1024 * 1024,
    min: 64 * 1024,
    max: 1024 * 1024 * 1024,
    unit: 'bytes',
    what: 'data waiting to be sent on one GraphQL WebSocket, for all its subscriptions together',
    answer:
      'the hub stops reading events and messages for this WebSocket until the data is sent; of a state it then sends the last change only. If a client reads nothing for 24 seconds, the hub closes the connection and logs it',
  },
  telemetryBytes: {
    variable: 'LIMIT_TELEMETRY_BYTES',
    default: 512 * 1024,
    min: 256 * 1024,
    max: 1024 * 1024 * 1024,
    unit: 'bytes',
    what: 'messages of one device that wait for one subscription to its telemetry',
    answer: 'the subscription loses the oldest messages',
  },
  // JSON
  jsonDepth: {
    variable: 'LIMIT_JSON_DEPTH',
    default: 64,
    min: 16,
    max: 256,
    unit: 'count',
    what: 'nesting levels of objects and arrays in a JSON value from a client or a device; in twins 10, as in IoT Hub',
    answer: "an invalid input; a device's answer to a method counts as a bad response, and telemetry is shown as bytes",
  },
  // Twins
  twinBytes: {
    variable: 'LIMIT_TWIN_BYTES',
    default: 128 * 1024,
    min: 32 * 1024,
    max: 1024 * 1024,
    unit: 'bytes',
    what: 'JSON text of the desired or the reported properties of a twin, and of a change to them; a quarter of that for tags',
    answer: 'an invalid input; a section that is already larger can be made smaller',
  },
  twinMembers: {
    variable: 'LIMIT_TWIN_MEMBERS',
    default: 4_096,
    min: 1_024,
    max: 32_768,
    unit: 'count',
    what: 'members of objects and items of arrays at all levels of a twin section, and of a change to it',
    answer: 'an invalid input; a section that already has more can be made smaller',
  },
  largeTwinUpdates: {
    variable: 'LIMIT_LARGE_TWIN_UPDATES',
    default: 4 * 1024 * 1024,
    min: 64 * 1024,
    max: 1024 * 1024 * 1024,
    unit: 'bytes',
    what: 'bytes per second of the large twins that all jobs of one instance update together. A twin is large if the sections that services write, their metadata and the patch have 128 KB or more: about 10 twins per second with thousands of members. Twins with 32 KB of ordinary properties are smaller',
    answer: 'the job pauses between twins; other jobs and other twins do not wait',
  },
  // Instances
  instanceLease: {
    variable: 'LIMIT_INSTANCE_LEASE',
    default: 6_000,
    min: 500,
    max: 60_000,
    unit: 'ms',
    what: 'how long an instance counts as alive on a shared database after it renewed its lease; it renews three times in that time',
    answer:
      'it sends no more calls, and other instances count its devices as disconnected; after twice that time it disconnects its devices if it knew of other instances',
  },
  // Database
  queryMs: {
    variable: 'LIMIT_QUERY_MS',
    default: 10_000,
    min: 10,
    max: 600_000,
    unit: 'ms',
    what: 'database time for one read whose cost depends on the client: devices that meet a condition, their number, lists of jobs, device jobs, a statement',
    answer: 'GraphQL: an error LIMIT_EXCEEDED; REST: 400 ArgumentInvalid',
  },
  pageMs: {
    variable: 'LIMIT_PAGE_MS',
    default: 10_000,
    min: 10,
    max: 600_000,
    unit: 'ms',
    what: 'database time for one page of devices or jobs: of `devices` and `jobs`, and of a statement without aggregates. LIMIT_QUERY_MS also applies. Lower it where a late page is worse than none: conditions that no index answers then need another part that few devices meet',
    answer: 'GraphQL: an error LIMIT_EXCEEDED of this field, and the others are answered; REST: 400 ArgumentInvalid',
  },
  jobSelectionMs: {
    variable: 'LIMIT_JOB_SELECTION_MS',
    default: 60_000,
    min: 10,
    max: 3_600_000,
    unit: 'ms',
    what: 'database time for selecting the devices of one job',
    answer:
      'the job fails with this reason; other jobs of the same policy are then started after those of other policies',
  },
  jobSelections: {
    variable: 'LIMIT_JOB_SELECTIONS',
    default: 4,
    min: 1,
    max: 16,
    unit: 'count',
    what: 'jobs whose devices one instance selects concurrently, on at most half of its connections; the first job of a policy is alone for two seconds or until its devices are selected, the jobs of one policy leave one place to others, and a selection in the last place of its policy may take a thirtieth of LIMIT_JOB_SELECTION_MS; and continuous jobs that look for devices concurrently, on at most half of the connections for reads with a time limit',
    answer: 'the job stays queued, and waits for another place if its time was too short',
  },
  cancelledDeviceJobs: {
    variable: 'LIMIT_CANCELLED_DEVICE_JOBS',
    default: 100_000,
    min: 1,
    max: 10_000_000,
    unit: 'count',
    what: 'device jobs that one request cancels by a condition: the calls and the answers of the job wait meanwhile',
    answer: 'GraphQL: an error INVALID_INPUT, and nothing is cancelled',
  },
  queriesWaiting: {
    variable: 'LIMIT_QUERIES_WAITING',
    default: 2_000,
    min: 1,
    max: 1_000_000,
    unit: 'count',
    what: 'such reads of one caller (a policy at an address) that wait in the queue, and, counted separately, its waiting bulk writes; all such reads together use at most half of the read connections, those of one caller at most a quarter, or one for two seconds until the first of them has ended',
    answer: 'GraphQL: an error LIMIT_EXCEEDED; REST: 429 ThrottlingException',
  },
  heavyWork: {
    variable: 'LIMIT_HEAVY_WORK',
    default: 500,
    min: 10,
    max: 1_000_000,
    unit: 'ms',
    what: 'time per second for the heavy work of one caller (a policy at an address): reads with a time limit (LIMIT_QUERY_MS) and reads of more than four documents that take 20 ms or more each, bulk writes that take 200 ms or more each, and selections of devices for jobs that take 20 ms or more each (of one policy). The four kinds are counted separately. As much may be used at once',
    answer:
      'work of this kind of the caller runs one at a time, and the next waits for up to 2 seconds. Other callers do not wait',
  },
  webhooks: {
    variable: 'LIMIT_WEBHOOKS',
    default: 20,
    min: 0,
    max: 1_000,
    unit: 'count',
    what: 'webhooks of the hub',
    answer: 'an error CONFLICT',
  },
  deviceGroups: {
    variable: 'LIMIT_DEVICE_GROUPS',
    default: 1_000,
    min: 0,
    max: 100_000,
    unit: 'count',
    what: 'device groups of the hub',
    answer: 'an error CONFLICT',
  },
  jobTemplates: {
    variable: 'LIMIT_JOB_TEMPLATES',
    default: 1_000,
    min: 0,
    max: 100_000,
    unit: 'count',
    what: 'job templates of the hub',
    answer: 'an error CONFLICT',
  },
  jobSchedules: {
    variable: 'LIMIT_JOB_SCHEDULES',
    default: 1_000,
    min: 0,
    max: 100_000,
    unit: 'count',
    what: 'job schedules of the hub',
    answer: 'an error CONFLICT',
  },
  webhookDeliveries: {
    variable: 'LIMIT_WEBHOOK_DELIVERIES',
    default: 4,
    min: 1,
    max: 100,
    unit: 'count',
    what: 'messages that one instance sends to one webhook at the same time',
    answer: 'further messages wait; those to other webhooks do not',
  },
  webhookTimeout: {
    variable: 'LIMIT_WEBHOOK_TIMEOUT',
    default: 10_000,
    min: 100,
    max: 60_000,
    unit: 'ms',
    what: 'how long the receiver of a webhook may take, from the resolution of its name to the status of its response',
    answer: 'the attempt fails with TIMEOUT and is repeated later',
  },
  databaseConnections: {
    variable: 'LIMIT_DATABASE_CONNECTIONS',
    default: 8,
    min: 2,
    max: 1_000,
    unit: 'count',
    what: 'database connections for writes and for the scheduler; the bulk writes of all clients (createDevices, POST /devices) together use at most half of them, those of one caller at most a quarter',
    answer: 'a statement waits for a connection, and a bulk write for its turn',
  },
  databaseReadConnections: {
    variable: 'LIMIT_DATABASE_READ_CONNECTIONS',
    default: 8,
    min: 2,
    max: 1_000,
    unit: 'count',
    what: 'database connections for reads of clients; half of them are reserved for the reads with a time limit (LIMIT_QUERY_MS) and never serve other reads',
    answer: 'a statement waits for a connection',
  },
  databaseWait: {
    variable: 'LIMIT_DATABASE_WAIT',
    default: 10_000,
    min: 100,
    max: 600_000,
    unit: 'ms',
    what: 'how long a statement waits for a connection, also while the server has no free connections',
    answer: '503, `SERVICE_UNAVAILABLE`',
  },
  databaseStatement: {
    variable: 'LIMIT_DATABASE_STATEMENT',
    default: 12_000,
    min: 100,
    max: 600_000,
    unit: 'ms',
    what: 'execution time of one statement, except long statements',
    answer: '503, `SERVICE_UNAVAILABLE`; the scheduler retries',
  },
  databaseLongStatement: {
    variable: 'LIMIT_DATABASE_LONG_STATEMENT',
    default: 120_000,
    min: 1_000,
    max: 3_600_000,
    unit: 'ms',
    what: 'execution time of one long statement: the deletion of old jobs',
    answer: 'the statement is cancelled and retried later',
  },
  databaseSilence: {
    variable: 'LIMIT_DATABASE_SILENCE',
    default: 4_000,
    min: 100,
    max: 60_000,
    unit: 'ms',
    what: 'interval between two checks whether the database answers, and the time it has to answer',
    answer: 'all connections are abandoned; if new ones do not answer either, `/readyz` and requests return 503',
  },
} as const satisfies Readonly<Record<string, Limit>>

export type LimitName = keyof typeof limitTable

/** The budgets in force. */
export type Limits = Readonly<Record<LimitName, number>>

export const limitNames = Object.keys(limitTable).filter((name): name is LimitName => name in limitTable)

/** The limits with the amounts that `amountOf` returns. */
export function limitsBy(amountOf: (name: LimitName, limit: Limit) => number): Limits {
  const limits: Partial<Record<LimitName, number>> = {}
  for (const name of limitNames) limits[name] = amountOf(name, limitTable[name])
  if (!isComplete(limits)) throw new Error('A limit has no value.')
  return Object.freeze(limits)
}

function isComplete(limits: Partial<Limits>): limits is Limits {
  return limitNames.every((name) => limits[name] !== undefined)
}

export const defaultLimits: Limits = limitsBy((_name, limit) => limit.default)

/** The page that lists them. */
export function printLimits(): string {
  const rows = limitNames.map((name) => {
    const { variable, default: value, unit, min, max, what, answer }: Limit = limitTable[name]
    return `| \`${variable}\` | ${printed(value)} ${unit === 'count' ? '' : unit} | ${what} | ${answer} | ${printed(min)} to ${printed(max)} |`
  })
  return [...page, ...rows.map((row) => row.replace(/ +\|/g, ' |')), ''].join('\n')
}

const printed = (value: number): string => value.toLocaleString('en-US')

const page = [
  '# Limits',
  '',
  'Each limit bounds what one client, or all clients together, can use. The defaults do not affect normal clients. An environment',
  'variable changes a limit. This page is printed from `src/limits/limits.ts` by `npm run limits`.',
  '',
  'Throttles limit how often an operation can run ([docs/rest.md](rest.md#throttles)).',
  '',
  'Devices behind one address (NAT) share its limits. The defaults admit 20,000 of them at once. To admit a device by TLS takes the hub',
  'a few milliseconds: 2,000 devices that connected at once took 14 seconds on a machine with two busy cores. Meanwhile the hub serves',
  'other clients between two handshakes, and other addresses alternate with this one. These clients wait longer: 62 instead of 9 ms in the',
  '99th percentile while 2,000 devices connect ([docs/benchmarks.md](benchmarks.md#results)). A device that gives up loses its turn: with a',
  'time-out of 5 seconds the same devices took 23 seconds. So let devices wait for 30 seconds, and for a random time before they try again.',
  'For more than 20,000 devices behind one address, raise `LIMIT_ADDRESS_CONNECTIONS` and `LIMIT_MQTT_CONNECTIONS` above their number,',
  'and `LIMIT_ADDRESS_NEW_CONNECTIONS` to a tenth of it.',
  '',
  '| variable | default | what is limited | above the limit | allowed |',
  '|---|---|---|---|---|',
]
