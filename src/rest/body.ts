import { isJsonBody, notJsonBody } from '../json/json-body.ts'
import { overBudget } from '../json/json-budget.ts'
import { longRequestBytes } from '../limits/long-turns.ts'
import { bodyText } from '../utf8.ts'
import { RestError } from './errors.ts'

/**
 * The unchecked JSON body of a request, and whether it is long; a long one is parsed by `takeTurn`. 400, 413 and 415 as
 * RestErrors.
 */
export async function readBody(
  request: Request,
  { maxBytes, maxDepth }: { readonly maxBytes: number; readonly maxDepth: number },
  takeTurn: (parse: () => unknown, bytes: number) => Promise<unknown>,
): Promise<{ readonly json: unknown; readonly isLong: boolean }> {
  const bytes = await readBytes(request, maxBytes)
  if (bytes.length === 0) throw new RestError('ArgumentNull', 'The request has no body.')
  if (!isJsonBody(request.headers)) throw new RestError('GenericUnsupportedMediaType', notJsonBody)
  const parseBytes = () => parseWithin(bytes, { maxBytes, maxDepth })
  const isLong = bytes.length >= longRequestBytes
  return { json: isLong ? await takeTurn(parseBytes, bytes.length) : parseBytes(), isLong }
}

function parseWithin(
  bytes: Buffer,
  { maxBytes, maxDepth }: { readonly maxBytes: number; readonly maxDepth: number },
): unknown {
  if (overBudget(bytes, { bytes: maxBytes, members: Number.POSITIVE_INFINITY, depth: maxDepth }) === 'depth') {
    throw new RestError('DeserializationError', `The body is nested more than ${maxDepth} levels deep.`)
  }
  return parse(bytes)
}

/** Stops at the limit: announced or received bytes beyond it are never stored. */
async function readBytes(request: Request, maxBytes: number): Promise<Buffer> {
  const tooLarge = (): RestError =>
    new RestError(
      'MessageTooLarge',
      `The body of this request is too large. At most ${maxBytes / 1024} KB are allowed.`,
    )
  if (Number(request.headers.get('content-length')) > maxBytes) throw tooLarge()
  if (request.body === null) return Buffer.alloc(0)
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for await (const chunk of request.body) {
      length += chunk.length
      if (length > maxBytes) throw tooLarge()
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof RestError) throw error
    throw new RestError('DeserializationError', 'The request ended before its body was complete.') // the client has disconnected
  }
  return Buffer.concat(chunks)
}

function parse(bytes: Buffer): unknown {
  const refused = (reason: string): RestError =>
    new RestError('DeserializationError', `The body is not JSON: ${reason}.`)
  const text = bodyText(bytes)
  if (text === undefined) throw refused('it is not UTF-8')
  try {
    return JSON.parse(text)
  } catch (error) {
    throw refused(error instanceof Error ? error.message : String(error))
  }
}
