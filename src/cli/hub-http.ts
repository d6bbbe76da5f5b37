import { once } from 'node:events'
import * as http from 'node:http'
import * as https from 'node:https'
import { text } from 'node:stream/consumers'
import { HubUnreachableError } from './hub-errors.ts'

/** A request: GET, or POST when it has a body. */
export type HubRequest = {
  readonly headers: http.OutgoingHttpHeaders
  readonly body?: string
  readonly signal?: AbortSignal
}

/** Requests to a hub over connections that stay open. Rejects with HubUnreachableError, also when a response breaks off. */
export type HubHttp = {
  /** The response, once its headers are there. */
  open(address: string | URL, request: HubRequest): Promise<http.IncomingMessage>
  /** The response with its whole body. */
  read(address: string | URL, request: HubRequest): Promise<readonly [http.IncomingMessage, body: string]>
  close(): void
}

/** Requests to the hub at `url`. `ca` is the PEM text of the authority to trust instead of the system's. */
export function createHubHttp(url: string, ca: string | undefined): HubHttp {
  const isSecure = url.startsWith('https:')
  const agent = isSecure ? new https.Agent({ keepAlive: true, ...(ca && { ca }) }) : new http.Agent({ keepAlive: true })

  const open = async (address: string | URL, { headers, body, signal }: HubRequest): Promise<http.IncomingMessage> => {
    const method = body === undefined ? 'GET' : 'POST'
    const request = (isSecure ? https : http).request(address, { method, agent, headers, ...(signal && { signal }) })
    // After the response began, a reset is reported to the request as well, and without a listener it would end the program.
    request.on('error', () => {})
    request.end(body)
    try {
      const [response] = await once(request, 'response')
      return response
    } catch (error) {
      throw new HubUnreachableError(`No hub responds at ${url}.`, { cause: error })
    }
  }
  return {
    open,
    async read(address, request) {
      const response = await open(address, request)
      try {
        return [response, await text(response)]
      } catch (error) {
        throw new HubUnreachableError(`No hub responds at ${url}.`, { cause: error })
      }
    },
    close: () => agent.destroy(),
  }
}
