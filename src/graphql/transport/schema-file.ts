import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type GraphQLSchema, printSchema } from 'graphql'
import { may } from '../../access/rights.ts'
import { addressOf } from '../../limits/request-address.ts'
import { recordOf } from '../../log/request-record.ts'
import type { Authenticate } from '../context.ts'
import { forbidden, lacksRight } from '../forbidden.ts'
import type { Compress } from './compress.ts'
import { isForwarded } from './cross-site.ts'

/** Sends the schema as text. Rejects with what refuses the request, before anything is sent. */
export type SchemaFile = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/**
 * Makes the download of the schema, for those who may introspect. It is printed at the first request. Its ETag is that
 * of its text, so programs that have it learn by a 304 that it is the same.
 */
export function createSchemaFile(
  schema: GraphQLSchema,
  options: {
    readonly authenticate: Authenticate
    readonly compress: Compress
    /** Whether introspection is refused to all. */
    readonly trustedDocumentsOnly: boolean
  },
): SchemaFile {
  const { authenticate, compress, trustedDocumentsOnly } = options
  let printed: { readonly body: Buffer; readonly etag: string } | undefined
  const print = (): NonNullable<typeof printed> => {
    const body = Buffer.from(`${printSchema(schema)}\n`)
    return { body, etag: createHash('sha256').update(body).digest('base64url') }
  }
  return async (request, response) => {
    const { authorization, 'if-none-match': known, 'accept-encoding': accepted } = request.headers
    const from = { forwarded: isForwarded(request), address: addressOf(request), record: recordOf(request) }
    const viewer = await authenticate(authorization, from)
    if (!may(viewer, 'readJobs')) throw lacksRight(viewer, 'the schema', ['readJobs'])
    if (trustedDocumentsOnly) {
      throw forbidden('The hub shows its schema to nobody, because TRUSTED_DOCUMENTS_ONLY is set.', {})
    }
    printed ??= print()
    const { body, etag } = printed
    // Weak: it is the same for the compressed text.
    const headers = { etag: `W/"${etag}"`, 'cache-control': 'private, no-cache', vary: 'accept-encoding' }
    if (known !== undefined && (known.includes(`"${etag}"`) || known.trim() === '*')) {
      response.writeHead(304, headers).end()
      return
    }
    const packed = await compress(body, accepted)
    response.writeHead(200, {
      'content-type': 'text/plain; charset=utf-8',
      ...headers,
      ...(packed && { 'content-encoding': 'gzip' }),
      'content-length': String((packed ?? body).length),
    })
    // Node itself omits the body of an answer to HEAD.
    response.end(packed ?? body)
  }
}
