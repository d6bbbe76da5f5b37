import type { IncomingMessage } from 'node:http'
import type { Deps } from '../deps.ts'
import { recordOf } from '../log/request-record.ts'
import { openAssets, sendAsset } from './asset.ts'
import type { Mount } from './server.ts'

/**
 * The console's policy, except for styles: GraphiQL's editor creates them at runtime without a nonce. Its workers are
 * created from texts in its script.
 */
const policy = [
  "default-src 'self'",
  "script-src 'self'",
  "worker-src 'self' blob:",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/**
 * The GraphQL mount, with GraphiQL for browsers that open its address: one page for all, from the folder that `vite
 * build` wrote. It uses files of the console.
 */
export function withGraphiql(deps: Pick<Deps, 'log'>, graphql: Mount, folder: string): Mount {
  const find = openAssets(folder)
  const isForPage = ({ method, headers }: IncomingMessage): boolean =>
    method === 'GET' && headers.accept?.includes('text/html') === true
  return {
    ...graphql,
    isOpen: (request) => isForPage(request) || graphql.isOpen?.(request) === true,
    handle(request, response) {
      if (!isForPage(request)) {
        graphql.handle(request, response)
        return
      }
      const headers = {
        'cache-control': 'no-cache',
        'content-security-policy': policy,
        'cross-origin-opener-policy': 'same-origin',
      }
      find('graphiql.html').then(
        (page) => {
          if (page !== undefined) sendAsset(request, response, page, headers)
          else response.writeHead(503, { 'content-type': 'text/plain; charset=utf-8', ...headers }).end(notBuilt)
        },
        (error: unknown) => {
          deps.log.error({ err: error, requestId: recordOf(request).id }, 'GraphiQL page could not be sent')
          response.destroy()
        },
      )
    },
  }
}

const notBuilt = 'GraphiQL is not built. Run "npm run build" in the folder of this hub, then reload this page.\n'
