import { fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { abortable } from '../src/cli/abortable.ts'
import type { Target } from './attack-target.ts'
import type { AttackNews, AttackOrder } from './attacker.ts'
import type { Attack } from './attacks.ts'

/** A process that attacks by one connection at a time, when it is told to. */
export type Attacker = {
  /** Does the work while it attacks. */
  during<T>(work: () => Promise<T>): Promise<T>
  close(): Promise<void>
}

/**
 * Starts it, at the lowest priority: it stands for another machine, whose processors are its own. Here it gets what the
 * hub, its database and the honest client leave.
 */
export async function openAttacker(target: Target, { what }: Attack, signal: AbortSignal): Promise<Attacker> {
  // Started as this one was, so with the same compiler. By `nice`, for a process can change only one of its threads. In a
  // session of its own, for Linux shares processors out between sessions first where it groups them (autogroup).
  const child = fork(fileURLToPath(new URL('./attacker.ts', import.meta.url)), {
    execPath: 'nice',
    execArgv: ['-n', '19', process.execPath, ...process.execArgv],
    detached: true,
  })
  const ended = once(child, 'exit')
  const fail = ended.then(() => {
    throw new Error('The process of the attacker has ended.')
  })
  fail.catch(() => {})
  const order = async (message: AttackOrder): Promise<AttackNews> => {
    const answered = once(child, 'message')
    child.send(message)
    const [news]: AttackNews[] = await abortable(Promise.race([answered, fail]), signal)
    if (news === undefined) throw new Error('The attacker did not answer.')
    return news
  }
  const close = async (): Promise<void> => {
    if (child.connected) child.disconnect()
    await ended
  }
  try {
    await writeFile(`/proc/${child.pid}/autogroup`, '19').catch(() => {}) // there are no such groups
    await order({ target, what })
  } catch (error) {
    await close()
    throw error
  }
  return {
    async during(work) {
      await order('begin')
      const done = await Promise.race([work(), fail])
      await order('pause')
      return done
    },
    close,
  }
}
