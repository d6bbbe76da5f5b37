import type { Turns } from '../clock.ts'
import { jsonPieces } from '../json/json-text.ts'
import { bytesInTurns } from '../send-in-turns.ts'
import { withBytes } from './response-bytes.ts'

/** A response whose bytes are taken as they are. The stream of an ordinary one would copy megabytes in one turn. */
class PrintedResponse extends Response {
  readonly #bytes: Buffer
  constructor(bytes: Buffer, headers: Readonly<Record<string, string>>) {
    super(null, { headers })
    this.#bytes = bytes
  }
  override async arrayBuffer(): Promise<ArrayBuffer> {
    const { buffer, byteLength } = this.#bytes
    // A small buffer is part of a pool, which a copy leaves.
    const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength
    return isWhole ? buffer : new Uint8Array(this.#bytes).buffer
  }
  override async text(): Promise<string> {
    return await new Response(await this.arrayBuffer()).text()
  }
  override async json(): Promise<unknown> {
    return await new Response(await this.arrayBuffer()).json()
  }
}

/** 200 with a page of items, which may be megabytes. */
export async function answerPage(
  turns: Turns,
  items: readonly unknown[],
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const bytes = await bytesInTurns(turns, jsonPieces(items))
  const type = { 'content-type': 'application/json; charset=utf-8' }
  return withBytes(new PrintedResponse(bytes, { ...type, ...headers }), bytes.length)
}
