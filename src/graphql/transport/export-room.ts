import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Deps } from '../../deps.ts'

/** Writes a page of an export when it is its turn, and waits until the client has taken it or has disconnected. */
export type WritePage = (text: string) => Promise<void>

/**
 * Waits for room for a page of an export, and holds it until the response has been sent or its client has disconnected: a client
 * that reads slowly keeps a page in memory. LimitExceededError.
 */
export async function takeExportRoom(
  { answerRoom, limits }: Pick<Deps, 'answerRoom' | 'limits'>,
  response: ServerResponse,
  { caller, signal }: { readonly caller: string; readonly signal: AbortSignal },
): Promise<WritePage> {
  if (signal.aborted) return async () => {}
  const hold = await answerRoom.enter(caller, limits.pageBytes, signal)
  if (response.destroyed) hold.release()
  else response.once('close', hold.release)
  return async (text) => {
    await hold.pass(Buffer.byteLength(text))
    if (signal.aborted || response.write(text)) return
    await once(response, 'drain', { signal }).catch(() => {})
  }
}
