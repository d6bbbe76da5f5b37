import type { IncomingMessage } from 'node:http'
import { makeAsset, sendAsset } from './asset.ts'
import type { Mount } from './server.ts'

/** An answer that is the same for all clients, and needs no token. */
export type PreparedAnswer = { readonly path: string; readonly type: string; readonly text: string }

/**
 * The mount with that answer to GET at its path. The bytes are created once: repeated requests, even unauthenticated
 * ones, cost the hub one write each, and do not pass through the mounted protocol.
 */
export async function withPreparedAnswer(mount: Mount, { path, type, text }: PreparedAnswer): Promise<Mount> {
  const asset = await makeAsset(type, Buffer.from(text))
  const isForIt = ({ method, url }: IncomingMessage): boolean => method === 'GET' && url?.split('?', 1)[0] === path
  return {
    ...mount,
    isOpen: (request) => isForIt(request) || mount.isOpen?.(request) === true,
    handle(request, response) {
      if (isForIt(request)) sendAsset(request, response, asset, { 'cache-control': 'no-store' })
      else mount.handle(request, response)
    },
  }
}
