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
    what: 'requests of one HTTP connection that are worked on at a time',
    answer: 'further requests are read when earlier ones are answered',
  },
  httpWriteTimeout: {
    variable: 'LIMIT_HTTP_WRITE_TIMEOUT',
    default: 15_000,
    min: 10,
    max: 3_600_000,
    unit: 'ms',
    what: 'how long an answer waits for a client that reads none of it',
    answer: 'the connection is closed',
  },
  addressConnections: {
    variable: 'LIMIT_ADDRESS_CONNECTIONS',
    default: 20_000,
    min: 1,
    max: 1_000_000,
    unit: 'count',
    what: 'open connections of one address (of IPv6, one /64) to each port; what a port takes beyond that is kept for others',
    answer: 'the connection is closed at once',
  },
  addressNewConnections: {
    variable: 'LIMIT_ADDRESS_NEW_CONNECTIONS',
    default: 2_000,
    min: 1,
    max: 100_000,
    unit: 'per second',
    what: 'new connections of one address to the HTTP ports, and to the MQTT ports; ten times as many at once',
    answer: 'the connection is closed at once',
  },
  webSocketFrames: {
    variable: 'LIMIT_WEBSOCKET_FRAMES',
    default: 8_000,
    min: 1,
    max: 1_000_000,
    unit: 'per second',
    what: 'frames of one WebSocket, of GraphQL or MQTT, pings and empty ones among them; twice as many at once',
    answer: 'the WebSocket is read from later',
  },
  addressFailures: {
    variable: 'LIMIT_ADDRESS_FAILURES',
    default: 100,
    min: 1,
    max: 100_000,
    unit: 'per second',
    what: 'HTTP requests of one address that are refused for their token; ten times as many at once',
    answer: '429 to tokens of that address that were not taken before',
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
    what: 'connections of one device, four times as many at once',
    answer: 'the device is let in later; a newer connection ends one that waits',
  },
  mqttPackets: {
    variable: 'LIMIT_MQTT_PACKETS',
    default: 2_000,
    min: 1,
    max: 1_000_000,
    unit: 'per second',
    what: 'packets of one device, twice as many at once; a twin request and a filter count 20, and each 128 bytes of a twin or a patch one more, and twenty properties of telemetry while a client subscribes to it',
    answer: 'the device is read from later',
  },
  mqttBytes: {
    variable: 'LIMIT_MQTT_BYTES',
    default: 4 * 1024 * 1024,
    min: 1024,
    max: 1024 * 1024 * 1024,
    unit: 'bytes',
    what: 'bytes a second of one device, twice as many at once',
    answer: 'the device is read from later',
  },
  // Requests
  requestBytes: {
    variable: 'LIMIT_REQUEST_BYTES',
    default: 32 * 1024 * 1024,
    min: 1024 * 1024,
    max: 1024 * 1024 * 1024,
    unit: 'bytes',
    what: 'texts of the requests of one caller (a policy at an address) that are under way, those of subscriptions among them; four times as many of all callers, in which a text of up to 16 KB always finds room. A body without Content-Length counts as the longest that is allowed',
    answer: 'GraphQL: an error LIMIT_EXCEEDED; REST: 429 ThrottlingException',
  },
  // Answers
  answerBytes: {
    variable: 'LIMIT_ANSWER_BYTES',
    default: 8 * 1024 * 1024,
    min: 64 * 1024,
    max: 1024 * 1024 * 1024,
    unit: 'bytes',
    what: 'one answer of GraphQL, or one event of a subscription: 100 full twins fit, or 50 with ordinary metadata',
    answer: 'an error LIMIT_EXCEEDED: ask for fewer rows a page, or for fewer fields',
  },
  answersBytes: {
    variable: 'LIMIT_ANSWERS_BYTES',
    default: 64 * 1024 * 1024,
    min: 64 * 1024,
    max: 16 * 1024 * 1024 * 1024,
    unit: 'bytes',
    what: 'answers of GraphQL with twins, payloads or patches, and pages of REST, that one caller (a policy at an address) has under way, from before they are read until they have left; four times as many of all callers. One of GraphQL counts as LIMIT_ANSWER_BYTES until it is complete, a page as LIMIT_PAGE_BYTES',
    answer:
      'the answer waits for its turn, up to 10 seconds; then GraphQL: an error LIMIT_EXCEEDED; REST: 429 ThrottlingException',
  },
  pageBytes: {
    variable: 'LIMIT_PAGE_BYTES',
    default: 4 * 1024 * 1024,
    min: 64 * 1024,
    max: 1024 * 1024 * 1024,
    unit: 'bytes',
    what: 'the rows of one page of REST',
    answer: 'the page ends early, with a continuation token; a single row that is larger is refused with 413',
  },
  socketBytes: {
    variable: 'LIMIT_SOCKET_BYTES',
    default: 2 * 1024 * 1024,
    min: 64 * 1024,
    max: 1024 * 1024 * 1024,
    unit: 'bytes',
    what: 'what waits for one WebSocket of GraphQL, all its subscriptions together',
    answer:
      'nothing more is read for it, nor of it, until that has left; of a state only the last change is sent then. A client that reads nothing for 24 seconds is cut off, and the log says so',
  },
  telemetryBytes: {
    variable: 'LIMIT_TELEMETRY_BYTES',
    default: 512 * 1024,
    min: 256 * 1024,
    max: 1024 * 1024 * 1024,
    unit: 'bytes',
    what: 'messages of a device that wait for one subscription to its telemetry',
    answer: 'the oldest of them are lost to that subscription',
  },
  // JSON
  jsonDepth: {
    variable: 'LIMIT_JSON_DEPTH',
    default: 64,
    min: 16,
    max: 256,
    unit: 'count',
    what: 'objects and arrays in one another in a JSON value that a client or a device sends; in twins it is 10, as in IoT Hub',
    answer: "an invalid input; a device's answer to a method counts as a bad response, its telemetry is shown as bytes",
  },
  // Twins
  twinBytes: {
    variable: 'LIMIT_TWIN_BYTES',
    default: 128 * 1024,
    min: 32 * 1024,
    max: 1024 * 1024,
    unit: 'bytes',
    what: "JSON text of a twin's desired or reported properties, a quarter of that for its tags, and of a change to them",
    answer: 'an invalid input; a section that is larger already can be made smaller',
  },
  twinMembers: {
    variable: 'LIMIT_TWIN_MEMBERS',
    default: 4_096,
    min: 1_024,
    max: 32_768,
    unit: 'count',
    what: 'members of objects and items of arrays in a section of a twin, at all levels, and in a change to it',
    answer: 'an invalid input; a section that has more already can be made smaller',
  },
  // Instances
  instanceLease: {
    variable: 'LIMIT_INSTANCE_LEASE',
    default: 6_000,
    min: 500,
    max: 60_000,
    unit: 'ms',
    what: 'how long an instance counts as alive on a shared database after it last said so; it says so three times in that time',
    answer:
      'it sends no more calls, and other instances count its devices as disconnected; after twice that time it lets its devices go, if there were others',
  },
  // Database
  queryMs: {
    variable: 'LIMIT_QUERY_MS',
    default: 10_000,
    min: 10,
    max: 600_000,
    unit: 'ms',
    what: "the database's time for one read whose cost the client chooses: devices that meet a condition, their number, lists of jobs, device jobs, a statement",
    answer: 'GraphQL: an error LIMIT_EXCEEDED; REST: 400 ArgumentInvalid',
  },
  jobSelectionMs: {
    variable: 'LIMIT_JOB_SELECTION_MS',
    default: 60_000,
    min: 10,
    max: 3_600_000,
    unit: 'ms',
    what: "the database's time for finding the devices of one job when it starts",
    answer: 'the job has failed and says why; other jobs of whoever scheduled it come behind those of others',
  },
  jobSelections: {
    variable: 'LIMIT_JOB_SELECTIONS',
    default: 4,
    min: 1,
    max: 16,
    unit: 'count',
    what: 'jobs whose devices are being found at a time by one instance, on half of its connections at most; those of one policy leave one place to others',
    answer: 'the job stays queued',
  },
  queriesWaiting: {
    variable: 'LIMIT_QUERIES_WAITING',
    default: 2_000,
    min: 1,
    max: 1_000_000,
    unit: 'count',
    what: 'such reads of one caller (a policy at an address) that wait for their turn; all callers together have half of the connections for reads, one caller a quarter',
    answer: 'GraphQL: an error LIMIT_EXCEEDED; REST: 429 ThrottlingException',
  },
  databaseConnections: {
    variable: 'LIMIT_DATABASE_CONNECTIONS',
    default: 8,
    min: 2,
    max: 1_000,
    unit: 'count',
    what: 'connections to the database for writing and for the scheduler',
    answer: 'a statement waits for a connection',
  },
  databaseReadConnections: {
    variable: 'LIMIT_DATABASE_READ_CONNECTIONS',
    default: 8,
    min: 2,
    max: 1_000,
    unit: 'count',
    what: 'connections to the database for what clients read',
    answer: 'a statement waits for a connection',
  },
  databaseWait: {
    variable: 'LIMIT_DATABASE_WAIT',
    default: 10_000,
    min: 100,
    max: 600_000,
    unit: 'ms',
    what: 'the time that a statement waits for a connection, also while the server has no more of them',
    answer: '503, `SERVICE_UNAVAILABLE`',
  },
  databaseStatement: {
    variable: 'LIMIT_DATABASE_STATEMENT',
    default: 12_000,
    min: 100,
    max: 600_000,
    unit: 'ms',
    what: 'the time of one statement, unless it is one that may take long',
    answer: 'it is cancelled and the request fails; the scheduler tries again',
  },
  databaseLongStatement: {
    variable: 'LIMIT_DATABASE_LONG_STATEMENT',
    default: 120_000,
    min: 1_000,
    max: 3_600_000,
    unit: 'ms',
    what: 'the time of one statement that may take long: to delete old jobs',
    answer: 'it is cancelled, and tried again later',
  },
  databaseSilence: {
    variable: 'LIMIT_DATABASE_SILENCE',
    default: 4_000,
    min: 100,
    max: 60_000,
    unit: 'ms',
    what: 'the time between two looks at whether the database answers, and the time that it has for the answer',
    answer: 'all connections are given up; when new ones do not answer either, `/readyz` and requests say 503',
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
  'Each limit bounds what one client can use, or all clients together. The defaults hinder no honest client. An environment',
  'variable changes a limit. This page is printed from `src/limits/limits.ts` by `npm run limits`.',
  '',
  'How often something may be done is bounded by the throttles ([docs/rest.md](rest.md#throttles)).',
  '',
  '| variable | default | what is bounded | over it | allowed |',
  '|---|---|---|---|---|',
]
