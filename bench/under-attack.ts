import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { abortable } from '../src/cli/abortable.ts'
import type { Target } from './attack-target.ts'
import type { AttackOrder } from './attacker.ts'
import type { Attack } from './attacks.ts'

/** Does the work while a process attacks by one connection at a time. */
export async function underAttack<T>(
  target: Target,
  { what }: Attack,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  // Started as this one was, so with the same compiler.
  const child = fork(fileURLToPath(new URL('./attacker.ts', import.meta.url)))
  const ended = once(child, 'exit')
  const fail = ended.then(() => {
    throw new Error('The process of the attacker has ended.')
  })
  fail.catch(() => {})
  try {
    child.send({ target, what } satisfies AttackOrder)
    await abortable(Promise.race([once(child, 'message'), fail]), signal)
    return await Promise.race([work(), fail])
  } finally {
    if (child.connected) child.disconnect()
    await ended
  }
}
