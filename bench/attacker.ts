// The program of a process that attacks (under-attack.ts): one connection after the other, until it is told to stop.

import type { Target } from './attack-target.ts'
import { attacks } from './attacks.ts'

/** What the process is told: whom to attack how. It goes on until it is disconnected. */
export type AttackOrder = { readonly target: Target; readonly what: string }

/** Milliseconds between two connections. An attacker that is refused at once is one that knocks, not a flood. */
const PAUSE = 5

const stopping = new AbortController()

async function attack({ target, what }: AttackOrder): Promise<void> {
  const chosen = attacks.find((attack) => attack.what === what)
  if (chosen === undefined) throw new Error(`There is no attack that ${what}.`)
  process.send?.('begun')
  while (!stopping.signal.aborted) {
    await chosen.once(target, stopping.signal)
    await new Promise((resolve) => setTimeout(resolve, PAUSE))
  }
  process.exit(0)
}

process.on('message', (order: AttackOrder) => void attack(order))
process.on('disconnect', () => {
  stopping.abort()
  // What waits for an answer that does not come is not worth waiting for.
  setTimeout(() => process.exit(0), 500)
})
