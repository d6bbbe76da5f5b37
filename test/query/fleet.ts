import type pg from 'pg'
import type { JsonObject } from '../../src/json/json.ts'
import type { Condition } from '../../src/query/ast.ts'
import { compileCondition } from '../../src/query/compiler.ts'
import { deviceFields } from '../../src/query/fields.ts'

/** A device and its twin as the tables hold them; times are ISO text with milliseconds. */
export interface TestDevice {
  readonly id: string
  readonly status: 'enabled' | 'disabled'
  readonly statusReason: string | null
  readonly statusUpdatedTime: string | null
  readonly connectionState: 'connected' | 'disconnected'
  readonly lastActivityTime: string | null
  readonly authenticationType: 'sas' | 'selfSigned'
  readonly primaryThumbprint: string | null
  readonly iotEdge: boolean
  readonly modelId: string
  readonly etagVersion: number
  readonly version: number
  readonly tags: JsonObject
  readonly desired: JsonObject
  readonly desiredVersion: number
  readonly reported: JsonObject
  readonly reportedMetadata: JsonObject
  readonly reportedVersion: number
}

/** A device about which nothing is known but its id. */
export const plainDevice = (id: string): TestDevice => ({
  id,
  status: 'enabled',
  statusReason: null,
  statusUpdatedTime: null,
  connectionState: 'disconnected',
  lastActivityTime: null,
  authenticationType: 'sas',
  primaryThumbprint: null,
  iotEdge: false,
  modelId: '',
  etagVersion: 1,
  version: 1,
  tags: {},
  desired: {},
  desiredVersion: 1,
  reported: {},
  reportedMetadata: {},
  reportedVersion: 1,
})

export const insertDevices = async (pool: pg.Pool, devices: readonly TestDevice[]): Promise<void> => {
  for (const device of devices) {
    const connection = device.connectionState === 'connected' ? 'c1' : null
    await pool.query(
      `insert into device (id, generation_id, etag_version, status, status_reason, status_updated_time,
         authentication_type, primary_thumbprint, iot_edge, model_id, connection_state, connection_id, instance_id,
         last_activity_time, created_time)
       values ($1, 'g', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, '2024-01-01')`,
      [
        device.id,
        device.etagVersion,
        device.status,
        device.statusReason,
        device.statusUpdatedTime,
        device.authenticationType,
        device.primaryThumbprint,
        device.iotEdge,
        device.modelId,
        device.connectionState,
        connection,
        device.lastActivityTime,
      ],
    )
    await pool.query(
      `insert into twin (device_id, tags, desired, desired_version, reported, reported_metadata, reported_version,
         version, etag_version)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [
        device.id,
        JSON.stringify(device.tags),
        JSON.stringify(device.desired),
        device.desiredVersion,
        JSON.stringify(device.reported),
        JSON.stringify(device.reportedMetadata),
        device.reportedVersion,
        device.version,
        device.etagVersion,
      ],
    )
  }
}

const etag = (version: number): string => {
  const counter = Buffer.alloc(8)
  counter.writeBigInt64BE(BigInt(version))
  return counter.toString('base64')
}

const noTime = '0001-01-01T00:00:00Z'

/** The twin document that service clients see, which is what conditions speak of. */
export const documentOf = (device: TestDevice): JsonObject => ({
  deviceId: device.id,
  etag: etag(device.etagVersion),
  deviceEtag: etag(device.etagVersion),
  version: device.version,
  status: device.status,
  statusReason: device.statusReason,
  statusUpdateTime: device.statusUpdatedTime ?? noTime,
  connectionState: device.connectionState === 'connected' ? 'Connected' : 'Disconnected',
  lastActivityTime: device.lastActivityTime ?? noTime,
  cloudToDeviceMessageCount: 0,
  authenticationType: device.authenticationType,
  x509Thumbprint: { primaryThumbprint: device.primaryThumbprint, secondaryThumbprint: null },
  modelId: device.modelId,
  capabilities: { iotEdge: device.iotEdge },
  tags: device.tags,
  properties: {
    desired: { ...device.desired, $metadata: {}, $version: device.desiredVersion },
    reported: { ...device.reported, $metadata: device.reportedMetadata, $version: device.reportedVersion },
  },
})

/** A compiled condition as a statement for the `pg` driver; `suffix` asks something of the condition's SQL. */
export const statementOf = (condition: Condition, suffix = ''): { text: string; values: unknown[] } => {
  const { strings, values } = compileCondition(condition, deviceFields)
  const where = strings.reduce((text, string, index) => `${text}$${index}${string}`)
  const tested = suffix === '' ? where : `(${where}) ${suffix}`
  const text = `select d.id from device d join twin t on t.device_id = d.id where ${tested} order by d.id`
  return { text, values: [...values] }
}

/** The ids of the devices the condition selects, in order. */
export const selectIds = async (pool: pg.Pool, condition: Condition, suffix = ''): Promise<string[]> => {
  const { rows } = await pool.query<{ id: string }>(statementOf(condition, suffix))
  return rows.map(({ id }) => id)
}
