import { startPeer } from './answering.ts'
import type { Bench } from './benchmark.ts'
import { compareServers } from './compare-servers.ts'
import type { Row } from './row.ts'

/** P12: what GraphQL and the hub's rules cost, against a handler that can do nothing else. */
export const jobPages = (bench: Bench): Promise<Row[]> =>
  compareServers(bench, [
    {
      name: 'P12',
      start: startPeer('./page-by-hand.ts'),
      description: 'a handler by hand with node:http and pg',
      limit: { kind: 'gate', atLeast: 0.5 },
    },
  ])
