import { GraphQLError } from 'graphql'
import { utf8Text } from '../utf8.ts'

const nodeTypes: ReadonlySet<string> = new Set(['Device', 'Job', 'DeviceJob'])

/** A global id: base64url of the type's name, a colon and the id within the type. */
export function encodeNodeId(typename: string, id: string): string {
  return Buffer.from(`${typename}:${id}`).toString('base64url')
}

/** What a global id names. A request error with the code INVALID_ID when it is none. */
export function decodeNodeId(nodeId: string): { typename: string; id: string } {
  const text = utf8Text(Buffer.from(nodeId, 'base64url')) ?? ''
  const [, typename = '', id = ''] = /^(\w+):(.+)$/su.exec(text) ?? []
  // Only what this hub has written: base64 is lenient, and two texts for one object would be two keys in a cache.
  if (!nodeTypes.has(typename) || encodeNodeId(typename, id) !== nodeId) {
    throw new GraphQLError('That is not the global id of anything in this hub.', { extensions: { code: 'INVALID_ID' } })
  }
  return { typename, id }
}
