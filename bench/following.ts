import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { abortable } from '../src/cli/abortable.ts'
import type { FollowersNews, FollowersOrder } from './followers.ts'
import { VoidRunError } from './row.ts'

/** Subscribers that follow jobs, in a process of their own. */
export type Followers = {
  /** Resolves when all of them have the last state. VoidRunError unless it is right. Answers the number of updates. */
  ended(): Promise<number>
  close(): Promise<void>
}

/** Starts them. Resolves when all of them have the first state. */
export async function gatherFollowers(order: FollowersOrder, signal: AbortSignal): Promise<Followers> {
  // Started as this one was, so with the same compiler.
  const child = fork(fileURLToPath(new URL('./followers.ts', import.meta.url)))
  const exited = once(child, 'exit')
  const close = async (): Promise<void> => {
    if (child.connected) child.disconnect()
    await exited
  }
  const reached = (kind: 'following' | 'ended'): Promise<number> => {
    const news = new Promise<number>((resolve, reject) => {
      child.on('message', (each: FollowersNews) => {
        if (each.kind === 'broken') reject(new VoidRunError(`Void: a subscriber: ${each.reason}`))
        else if (each.kind === kind) resolve(each.kind === 'ended' ? each.updates : 0)
      })
      child.on('exit', () => reject(new VoidRunError('Void: the process of the subscribers has ended.')))
    })
    news.catch(() => {}) // until somebody awaits it
    return abortable(news, signal)
  }
  const [following, ended] = [reached('following'), reached('ended')]
  ended.catch(() => {})
  try {
    child.send(order)
    await following
    return { ended: () => ended, close }
  } catch (error) {
    await close()
    throw error
  }
}
