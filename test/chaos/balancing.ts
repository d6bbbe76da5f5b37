import { openBalancer } from '../support/balancer.ts'
import { freePorts } from '../support/ports.ts'
import { findProgram } from '../support/programs.ts'
import { runProxy } from '../support/run-proxy.ts'

/** An instance behind a balancer: where its connections go, and its HTTP port, which has the probe. */
export type Behind = { readonly port: number; readonly httpPort: number }

/** Leads devices to gateways that are ready, and requests to apis that are. */
export type Balancing = {
  readonly devicePort: number
  readonly requestPort: number
  readonly isHaproxy: boolean
  close(): Promise<void>
}

export async function startBalancing(gateways: readonly Behind[], apis: readonly Behind[]): Promise<Balancing> {
  if (findProgram('haproxy') !== undefined) return startHaproxy(gateways, apis)
  const targets = (instances: readonly Behind[]) =>
    instances.map(({ port, httpPort }) => ({ port, ready: `http://127.0.0.1:${httpPort}/readyz` }))
  // An instance that stands still gives no answer.
  const inTurn = { inTurn: true, patience: 1_000 }
  const devices = await openBalancer(targets(gateways), inTurn)
  const requests = await openBalancer(targets(apis), inTurn)
  return {
    devicePort: devices.port,
    requestPort: requests.port,
    isHaproxy: false,
    async close() {
      await Promise.all([devices.close(), requests.close()])
    },
  }
}

async function startHaproxy(gateways: readonly Behind[], apis: readonly Behind[]): Promise<Balancing> {
  const [devicePort = 0, requestPort = 0] = await freePorts(2)
  const group = (name: string, mode: 'tcp' | 'http', port: number, instances: readonly Behind[]): string => `
frontend ${name}
  mode ${mode}
  bind 127.0.0.1:${port}
  default_backend hub-for-${name}
backend hub-for-${name}
  mode ${mode}
  option httpchk GET /readyz
${instances.map(({ port, httpPort }, index) => `  server instance-${index} 127.0.0.1:${port} port ${httpPort}`).join('\n')}
`
  const configuration = `
defaults
  timeout connect 2s
  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
  timeout http-request 10s
  timeout check 1s
  balance roundrobin
  option redispatch
  default-server check inter 500ms fall 2 rise 1
${group('devices', 'tcp', devicePort, gateways)}${group('requests', 'http', requestPort, apis)}`
  const { close } = await runProxy('haproxy', configuration, [devicePort, requestPort])
  return { devicePort, requestPort, isHaproxy: true, close }
}
