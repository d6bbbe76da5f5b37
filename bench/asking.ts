import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { abortable } from '../src/cli/abortable.ts'
import type { AskersNews, AskersOrder } from './askers.ts'
import type { Asked } from './job-pages.ts'
import { VoidRunError } from './row.ts'

/** Clients that ask for pages of jobs over HTTP, in a process of their own. Each asks again when it has its answer. */
export type Askers = {
  /** Gets requests ready and opens the connections. */
  prepare(requests: {
    readonly port: number
    readonly connections: number
    /** The number of the first request. */
    readonly from: number
    readonly count: number
    readonly asked: Asked
  }): Promise<void>
  /** Sends them; the number of bytes in the bodies of all answers. VoidRunError for an answer that is an error. */
  ask(): Promise<number>
  close(): Promise<void>
}

export function startAskers(signal: AbortSignal): Askers {
  // Started as this one was, so with the same compiler.
  const child = fork(fileURLToPath(new URL('./askers.ts', import.meta.url)))
  const ended = once(child, 'exit')
  const fail = ended.then(() => {
    throw new VoidRunError('Void: the process of the clients has ended.')
  })
  fail.catch(() => {})
  const order = async (message: AskersOrder): Promise<AskersNews> => {
    const answered = once(child, 'message')
    child.send(message)
    const [news]: AskersNews[] = await abortable(Promise.race([answered, fail]), signal)
    if (news === undefined) throw new Error('The clients did not answer.')
    if (news.kind === 'broken') throw new VoidRunError(`Void: a request failed: ${news.reason}`)
    return news
  }
  return {
    async prepare(requests) {
      await order({ kind: 'prepare', ...requests })
    },
    async ask() {
      const news = await order({ kind: 'ask' })
      return news.kind === 'answered' ? news.bytes : Number.NaN
    },
    async close() {
      if (child.connected) child.disconnect()
      await ended
    },
  }
}
