/** One metric, as programs that collect metrics see it. */
export type Metric = {
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** What is counted or measured, and in which unit. */
  readonly help: string
  /** The names of its labels. Their values must not be chosen by clients: each is a series that is kept. */
  readonly labels: readonly string[]
  /**
   * All values of its labels, where this table knows them: such a counter begins at 0 for each of them. Without that,
   * `rate()` does not see the first increment.
   */
  readonly values?: Readonly<Record<string, readonly string[]>>
  /** Upper bounds of a histogram. */
  readonly buckets?: readonly number[]
}

/**
 * Every metric of the hub, by topic, except those of the process (`processMetrics`). `docs/metrics.md` is printed from
 * this table (`npm run metrics`).
 */
export const catalogue = {
  twincast_build_info: {
    type: 'gauge',
    help: '1, with the version of the hub and the roles of this instance (HUB_ROLES).',
    labels: ['version', 'roles'],
  },
  // Jobs
  twincast_jobs: {
    type: 'gauge',
    help: 'Jobs in the database by status, each counted up to 10,000; read at most every 5 seconds. The same on all instances.',
    labels: ['status'],
  },
  twincast_jobs_started_total: { type: 'counter', help: 'Jobs that this instance started.', labels: [] },
  twincast_device_jobs_total: {
    type: 'counter',
    help: 'Device jobs whose outcomes this instance wrote: succeeded, refused, failed (by the error code), or cancelled by cancelDeviceJobs. Devices that still wait when their job is cancelled or ends have no outcomes.',
    labels: ['outcome', 'code'],
  },
  twincast_job_dispatch_delay_seconds: {
    type: 'histogram',
    help: 'Time from the start time of a job until this instance sent its first call, or updated its first twins. Jobs of which no device was connected when they started are left out.',
    labels: ['type'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800],
  },
  twincast_method_calls_in_flight: { type: 'gauge', help: 'Method calls of jobs in flight (the window).', labels: [] },
  twincast_method_calls_limit: { type: 'gauge', help: 'The limit of the window, METHOD_WINDOW.', labels: [] },
  twincast_step_failures_total: {
    type: 'counter',
    help: 'Failed turns of the steps of the scheduler, which are repeated.',
    labels: ['step'],
  },
  // Clients
  twincast_http_request_seconds: {
    type: 'histogram',
    help: 'Time from the head of an HTTP request until its answer was sent, by path (without what is below it) and status. Event streams are left out.',
    labels: ['path', 'method', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  },
  twincast_graphql_operation_seconds: {
    type: 'histogram',
    help: 'Execution time of GraphQL queries and mutations by name, kind and outcome: ok, refused (an error that the client caused), unavailable or fault. Names are those of trusted documents and of the first 100 others; further ones count as other.',
    labels: ['operation', 'kind', 'outcome'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  },
  twincast_graphql_subscriptions: { type: 'gauge', help: 'Open GraphQL subscriptions.', labels: [] },
  twincast_graphql_websockets: { type: 'gauge', help: 'Open GraphQL WebSockets.', labels: [] },
  twincast_mqtt_connections: { type: 'gauge', help: 'Devices connected to this instance.', labels: [] },
  twincast_mqtt_messages_total: {
    type: 'counter',
    help: 'Messages of devices by kind: telemetry, method_response, twin_request, forbidden.',
    labels: ['kind'],
  },
  twincast_clients_refused_total: {
    type: 'counter',
    help: 'Requests, WebSockets and MQTT connections that were refused, by protocol and cause. The log has the reason and the address.',
    labels: ['protocol', 'cause'],
    values: {
      protocol: ['HTTP', 'GraphQL', 'REST', 'MQTT'],
      cause: [
        'credential',
        'failures',
        'origin',
        'plain',
        'protocol',
        'identity',
        'forbidden',
        'overload',
        'unavailable',
      ],
    },
  },
  twincast_tls_handshakes_failed_total: {
    type: 'counter',
    help: 'TLS handshakes that failed, by port and cause: timeout, disconnected, not_tls, version, cipher, certificate (the client does not trust the hub), other.',
    labels: ['port', 'cause'],
    values: {
      port: ['HTTPS_PORT', 'MQTTS_PORT'],
      cause: ['timeout', 'disconnected', 'not_tls', 'version', 'cipher', 'certificate', 'other'],
    },
  },
  twincast_throttled_total: {
    type: 'counter',
    help: 'Operations that exceeded a throttle: requests that were refused, devices that were refused or wait, and turns in which jobs slowed down.',
    labels: ['throttle'],
  },
  twincast_queue_length: {
    type: 'gauge',
    help: 'What waits in this instance, by queue: calls (of jobs, for devices that are connected), outcomes (answers that are not written yet), answers (GraphQL and REST, for memory), bounded_reads (of clients, for their turn), long_turns (large requests), admissions (devices that connect), hints (to other instances).',
    labels: ['queue'],
  },
  // Database
  twincast_database_available: { type: 'gauge', help: '1 while the database answers, 0 otherwise.', labels: [] },
  twincast_database_connections: {
    type: 'gauge',
    help: 'Open connections to the database by pool: writes, reads, bounded_reads.',
    labels: ['pool'],
  },
  twincast_database_connections_idle: { type: 'gauge', help: 'Those of them that are idle.', labels: ['pool'] },
  twincast_database_connections_limit: { type: 'gauge', help: 'The size of the pool.', labels: ['pool'] },
  twincast_database_waiting: { type: 'gauge', help: 'Statements that wait for a connection.', labels: ['pool'] },
  twincast_database_statement_seconds: {
    type: 'histogram',
    help: 'Time of statements that succeeded until their rows had arrived, by the name of the prepared statement (the numbers of generated names are left out), or other.',
    labels: ['statement'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
  },
  // Instances
  twincast_instances: {
    type: 'gauge',
    help: 'With DATABASE_URL: instances of the hub that are alive, by role, as this one read them last. An instance with several roles counts in each. 0 for a role that no instance has.',
    labels: ['role'],
  },
  twincast_clock_difference_seconds: {
    type: 'gauge',
    help: 'With DATABASE_URL: seconds by which the clock of the database is at least ahead of that of this machine; negative when it is behind, 0 when no difference is certain. With more than 1 in either direction, this instance starts no jobs and calls no devices.',
    labels: [],
  },
  twincast_bus_connected: {
    type: 'gauge',
    help: 'With DATABASE_URL: 1 while this instance is connected to what carries messages between instances, 0 otherwise; by transport: postgresql (notifications), nats (with BUS_URL).',
    labels: ['transport'],
  },
  twincast_bus_peers: {
    type: 'gauge',
    help: 'With DATABASE_URL: the other instances that this one knows, by transport. NATS carries messages while it has the same value as PostgreSQL.',
    labels: ['transport'],
  },
  twincast_bus_events_total: {
    type: 'counter',
    help: 'With DATABASE_URL: notifications between instances, sent and received, by transport.',
    labels: ['transport', 'direction'],
  },
  twincast_certificate_valid: {
    type: 'gauge',
    help: 'Whether the last read of the certificates succeeded: TLS_CERT and TLS_KEY or those of the hub, and X509_CA. 0 if those before it stay in use.',
    labels: [],
  },
  twincast_certificate_end_time_seconds: {
    type: 'gauge',
    help: 'When the certificate of the hub ends, in seconds since 1970.',
    labels: [],
  },
  // Access
  twincast_policies_file_valid: {
    type: 'gauge',
    help: '1 if the last read of policies.json succeeded, 0 if the policies before it stay in force.',
    labels: [],
  },
  twincast_sign_ins_refused_total: {
    type: 'counter',
    help: 'Credentials that GraphQL refused, by the reason.',
    labels: ['reason'],
  },
  twincast_roles_file_valid: {
    type: 'gauge',
    help: 'With ROLES_FILE: 1 if its last read succeeded, 0 if the roles before it stay in force.',
    labels: [],
  },
  twincast_roles_file_read_time_seconds: {
    type: 'gauge',
    help: 'With ROLES_FILE: when the roles that are in force were read, in seconds since 1970.',
    labels: [],
  },
  twincast_jwks_age_seconds: {
    type: 'gauge',
    help: 'Seconds since the keys of the issuer were last confirmed.',
    labels: ['issuer'],
  },
  twincast_trusted_documents_valid: {
    type: 'gauge',
    help: 'With TRUSTED_DOCUMENTS: 1 if the last read of its files succeeded, 0 if the documents before it stay in use.',
    labels: [],
  },
  // Connections
  twincast_connections_refused_total: {
    type: 'counter',
    help: 'Connections that were closed because of a limit, by the reason: files (open files of the process), port, or the limit of one address: connections, new_connections, handshakes, sockets (GraphQL WebSockets).',
    labels: ['reason'],
    values: { reason: ['files', 'port', 'connections', 'new_connections', 'handshakes', 'sockets'] },
  },
  // Webhooks
  twincast_webhook_attempts_total: {
    type: 'counter',
    help: 'Attempts to deliver an event to a webhook, by the outcome: delivered, failed (another attempt follows), dead (given up).',
    labels: ['outcome'],
    values: { outcome: ['delivered', 'failed', 'dead'] },
  },
  twincast_webhook_deliveries_pending: {
    type: 'gauge',
    help: 'Deliveries to enabled webhooks that are not delivered yet and not given up, of all instances.',
    labels: [],
  },
} as const satisfies Readonly<Record<`twincast_${string}`, Metric>>

type Catalogue = typeof catalogue

export type MetricName = keyof Catalogue
/** The names of the metrics of a type. */
export type NameOf<Type extends Metric['type']> = {
  [Name in MetricName]: Catalogue[Name]['type'] extends Type ? Name : never
}[MetricName]
type ValueOf<Name extends MetricName, Label extends string> = Catalogue[Name] extends {
  readonly values: { readonly [Key in Label]: readonly (infer Value extends string)[] }
}
  ? Value
  : string
/** A value for each label of a metric: one of those in the table, where it has them. */
export type LabelsOf<Name extends MetricName> = {
  readonly [Label in Catalogue[Name]['labels'][number]]: ValueOf<Name, Label>
}
