import { type NatsServer, startNatsServer } from '../support/nats-server.ts'
import { freePorts } from '../support/ports.ts'

/** NATS servers that are one cluster, or a single one. */
export async function startNatsServers(count: number): Promise<readonly NatsServer[]> {
  if (count === 1) return [await startNatsServer()]
  const ports = await freePorts(count)
  const routes = ports.map((port) => `nats-route://127.0.0.1:${port}`).join(', ')
  const configurations = ports.map(
    (port, index) => `
server_name: server-${index}
cluster { name: chaos, listen: "127.0.0.1:${port}", routes: [${routes}] }
`,
  )
  return Promise.all(configurations.map((configuration) => startNatsServer(configuration)))
}
