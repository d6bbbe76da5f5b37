import type { ServerResponse } from 'node:http'
import type { Asker } from '../../database/bounded-read.ts'
import type { Deps } from '../../deps.ts'

/**
 * Waits for room for a page of an export, and holds it until the response has been sent or its client has disconnected: a client
 * that reads slowly keeps a page in memory. LimitExceededError.
 */
export async function takeExportRoom(
  { answerRoom, limits }: Pick<Deps, 'answerRoom' | 'limits'>,
  response: ServerResponse,
  { caller, signal }: Required<Asker>,
): Promise<void> {
  if (signal.aborted) return
  const hold = await answerRoom.enter(caller, limits.pageBytes, signal)
  if (response.destroyed) hold.release()
  else response.once('close', hold.release)
}
