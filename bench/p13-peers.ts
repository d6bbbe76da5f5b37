import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { startPeer } from './answering.ts'
import type { Bench } from './benchmark.ts'
import { compareServers } from './compare-servers.ts'
import type { Row } from './row.ts'

/** P13: the pages of P12, against what one writes with other GraphQL servers. */
export async function peers(bench: Bench): Promise<Row[]> {
  if (!existsSync(fileURLToPath(new URL('./peers/node_modules', import.meta.url)))) {
    bench.say('P13 is left out, because the packages it compares with are not installed: npm --prefix bench/peers ci')
    return []
  }
  return await compareServers(bench, [
    {
      name: 'P13 Apollo',
      start: startPeer('./peers/apollo.ts'),
      description: 'Apollo Server with pg',
      limit: { kind: 'gate', atLeast: 1.5 },
    },
    {
      name: 'P13 Mercurius',
      start: startPeer('./peers/mercurius.ts'),
      description: 'Mercurius with graphql-jit and pg',
      limit: { kind: 'gate', atLeast: 0.55 },
    },
    {
      name: 'P13 Yoga',
      start: startPeer('./peers/yoga.ts'),
      description: 'Yoga with Pothos and Prisma',
      limit: { kind: 'goal', atLeast: 1.5 },
    },
  ])
}
