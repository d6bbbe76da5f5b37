import { GraphQLError } from 'graphql'
import { utf8Text } from '../utf8.ts'

const nodeTypes: ReadonlySet<string> = new Set([
  'Device',
  'Twin',
  'Job',
  'DeviceJob',
  'AuditEntry',
  'Webhook',
  'WebhookDelivery',
  'DeviceGroup',
  'JobTemplate',
  'JobSchedule',
])

/** A global id: base64url of the type's name, a colon and the id within the type. */
export function encodeNodeId(typename: string, id: string): string {
  return Buffer.from(`${typename}:${id}`).toString('base64url')
}

/** The type and the id in a global id. A request error with the code INVALID_ID for any other text. */
export function decodeNodeId(nodeId: string): { typename: string; id: string } {
  const text = utf8Text(Buffer.from(nodeId, 'base64url')) ?? ''
  const [, typename = '', id = ''] = /^(\w+):(.+)$/su.exec(text) ?? []
  // Only the exact text that this hub writes: base64 decoding is lenient, and two texts for one object would be two
  // cache keys.
  if (!nodeTypes.has(typename) || encodeNodeId(typename, id) !== nodeId) {
    throw new GraphQLError('This is not a global ID of this hub.', { extensions: { code: 'INVALID_ID' } })
  }
  return { typename, id }
}
