import * as http from 'node:http'
import { defaultPolicies } from '../src/access/policy.ts'
import { policyViewer } from '../src/access/viewer.ts'
import type { Deps } from '../src/deps.ts'
import { createGraphqlServer } from '../src/graphql/transport/server.ts'
import { openPort } from '../src/open-port.ts'
import { createClosers } from './closers.ts'

/** The GraphQL door on a port of its own, open to everybody here. `url` is that of its WebSockets. */
export async function openGraphqlDoor(deps: Deps): Promise<{ readonly url: string; close(): Promise<void> }> {
  const rights = defaultPolicies.find(({ name }) => name === 'iothubowner')?.rights ?? new Set()
  const door = createGraphqlServer(deps, {
    hostNames: ['localhost'],
    anonymous: policyViewer({ name: 'iothubowner', rights }, undefined, 'anonymous'),
  })
  const server = await serve((request, response) => door.handle(request, response))
  server.http.on('upgrade', door.upgrade)
  const closers = createClosers()
  closers.add(server.close)
  closers.add(() => door.close())
  return { url: `${server.url}/graphql`, close: closers.close }
}

/** A bare server on any free port. */
export async function serve(handle: http.RequestListener) {
  const server = http.createServer(handle)
  const { port } = await openPort(server, { variable: 'HTTP_PORT', host: '127.0.0.1', port: 0 })
  return {
    http: server,
    url: `ws://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
