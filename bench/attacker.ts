// The program of a process that attacks (under-attack.ts): one connection after the other, whenever it is told to.

import { setMaxListeners } from 'node:events'
import type { Target } from './attack-target.ts'
import { attacks } from './attacks.ts'

/** What the process is told: first whom to attack how, then when. It ends when it is disconnected. */
export type AttackOrder = { readonly target: Target; readonly what: string } | 'begin' | 'pause'
/** What it answers to each order. After `paused` nothing of it is open any more. */
export type AttackNews = 'ready' | 'begun' | 'paused'

/** Milliseconds between two connections. An attacker that is refused at once is one that knocks, not a flood. */
const pauseTime = 5

let connectOnce: (signal: AbortSignal) => Promise<unknown> = async () => {}
let pausing = new AbortController()
let attacking = Promise.resolve()

const answer = (news: AttackNews): void => void process.send?.(news)

async function attack(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await connectOnce(signal)
    await new Promise((resolve) => setTimeout(resolve, pauseTime))
  }
}

process.on('message', (order: AttackOrder) => {
  if (order === 'begin') {
    pausing = new AbortController()
    setMaxListeners(0, pausing.signal) // one for each connection
    attacking = attack(pausing.signal)
    answer('begun')
  } else if (order === 'pause') {
    pausing.abort()
    void attacking.then(() => answer('paused'))
  } else {
    const { target, what } = order
    const chosen = attacks.find((each) => each.what === what)
    if (chosen === undefined) throw new Error(`Unknown attack: ${what}.`)
    connectOnce = (signal) => chosen.once(target, signal)
    answer('ready')
  }
})
process.on('disconnect', () => process.exit(0))
