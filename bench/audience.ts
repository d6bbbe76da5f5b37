import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { abortable } from '../src/cli/abortable.ts'
import { VoidRunError } from './row.ts'
import type { News, Order } from './subscribers.ts'

/** Subscribers on WebSockets, in a process of their own so that the CPU time of this one is the server's. */
export type Audience = {
  /** Resolves when everybody has got this version. */
  everybody(version: number): Promise<void>
  /** The delays since `sent`, by version in microseconds of `now`, to each of them; the 99th percentile in milliseconds. */
  p99(sent: readonly (readonly [version: number, micros: number])[]): Promise<number>
  close(): Promise<void>
}

/** Microseconds on the clock that the processes of a machine have in common. */
export const now = (): number => Number(process.hrtime.bigint() / 1000n)

/** Connects `count` sockets; with a query each subscribes to it, without they listen to whatever comes. */
export async function gatherAudience(
  { url, count, query }: { readonly url: string; readonly count: number; readonly query: string | undefined },
  signal: AbortSignal,
): Promise<Audience> {
  // Started as this one was, so with the same compiler.
  const child = fork(fileURLToPath(new URL('./subscribers.ts', import.meta.url)))
  const ended = once(child, 'exit')
  const heard = new EventTarget()
  const complete = new Set<number>()
  let fail = (_error: Error): void => {}
  const broken = new Promise<never>((_resolve, reject) => {
    fail = reject
  })
  broken.catch(() => {})
  child.on('exit', () => fail(new VoidRunError('Void: the process of the subscribers has ended.')))
  child.on('message', (news: News) => {
    if (news.kind === 'broken') fail(new VoidRunError(`Void: a subscriber lost its connection: ${news.reason}`))
    else if (news.kind === 'everybody') complete.add(news.version)
    heard.dispatchEvent(new CustomEvent('news', { detail: news }))
  })
  const next = (): Promise<News> =>
    abortable(Promise.race([once(heard, 'news').then(([{ detail }]) => detail), broken]), signal)
  const order = (message: Order): boolean => child.send(message)

  const audience: Audience = {
    async everybody(version) {
      while (!complete.has(version)) await next()
      complete.delete(version)
    },
    async p99(sent) {
      order({ kind: 'report', sent })
      for (;;) {
        const news = await next()
        if (news.kind !== 'report') continue
        if (news.deliveries === sent.length * count) return news.p99
        throw new VoidRunError(`Void: ${news.deliveries} deliveries of ${sent.length} events to ${count} subscribers.`)
      }
    },
    async close() {
      if (child.connected) child.disconnect()
      await ended
    },
  }
  try {
    order({ kind: 'connect', url, count, query })
    while ((await next()).kind !== 'connected');
    return audience
  } catch (error) {
    await audience.close()
    throw error
  }
}
