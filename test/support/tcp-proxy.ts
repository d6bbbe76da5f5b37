import { once } from 'node:events'
import net from 'node:net'

/**
 * How connections fare: bytes are carried on; are acknowledged and then thrown away; are not taken at all, as when
 * every packet is dropped; connections are reset; new ones are refused and open ones are reset.
 */
export type Weather = 'forward' | 'stall' | 'drop' | 'reset' | 'refuse'

/** A proxy before any TCP server, which can break the connections through it in the ways that networks do. */
export type TcpProxy = {
  readonly port: number
  /** Connections that are open through it. */
  open(): number
  /** Connections that came while it did not forward. Those that were refused cannot be counted. */
  tries(): number
  /**
   * How open connections and those to come fare from now on. What was dropped goes on when it forwards again; what was
   * stalled does not, for its bytes are gone.
   */
  become(weather: Weather): Promise<void>
  /** How connections fare that are open now. Those to come are not touched. */
  breakOpen(how: 'stall' | 'drop' | 'reset'): void
  /** The next connection that carries bytes with this text fares like this from then on. Others are not touched. */
  breakNext(how: 'stall' | 'drop', text: string): void
  /** Those to come are answered to the first that they say, and ended. Open ones are reset. */
  answer(reply: (said: Buffer) => Buffer): void
  close(): Promise<void>
}

type Pair = { readonly near: net.Socket; readonly far: net.Socket; weather: 'forward' | 'stall' | 'drop' }

/** Opens it on a free port of 127.0.0.1. */
export async function openTcpProxy(target: { readonly host: string; readonly port: number }): Promise<TcpProxy> {
  const pairs = new Set<Pair>()
  const muted = new Set<net.Socket>()
  let weather: Weather = 'forward'
  let answer: ((said: Buffer) => Buffer) | undefined
  let tries = 0
  let awaited: { readonly how: 'stall' | 'drop'; readonly text: string } | undefined

  /** Passes bytes on at the pace of the one that takes them, while the weather of the pair allows. */
  const carry = (pair: Pair, from: net.Socket, to: net.Socket): void => {
    from.on('data', (bytes) => {
      if (awaited !== undefined && bytes.includes(awaited.text)) {
        settle(pair, awaited.how)
        awaited = undefined
        // What is dropped goes on later.
        if (pair.weather === 'drop') from.unshift(bytes)
      }
      if (pair.weather === 'forward' && !to.write(bytes)) from.pause()
    })
    to.on('drain', () => {
      if (pair.weather !== 'drop') from.resume()
    })
    from.on('end', () => {
      if (pair.weather === 'forward') to.end()
    })
    from.on('error', () => {})
    from.on('close', () => {
      if (from === pair.near) pairs.delete(pair)
      // Who is stalled or dropped does not hear of the end of the other side either.
      if (pair.weather === 'forward' || from === pair.near) to.destroy()
    })
  }
  const settle = (pair: Pair, next: Pair['weather']): void => {
    if (pair.weather === 'stall') return
    pair.weather = next
    for (const socket of [pair.near, pair.far]) {
      if (next === 'drop') {
        socket.pause()
        continue
      }
      // All that was held back in one piece, as a network brings it. Each packet would be a write of its own otherwise.
      socket.read()
      socket.resume()
    }
    if (next === 'forward' && pair.far.destroyed) pair.near.resetAndDestroy()
  }
  const resetAll = (): void => {
    for (const { near, far } of pairs) {
      near.resetAndDestroy()
      far.destroy()
    }
    for (const socket of muted) socket.resetAndDestroy()
  }
  const mute = (near: net.Socket): void => {
    muted.add(near)
    near.on('error', () => {}).on('close', () => muted.delete(near))
  }

  const server = net.createServer({ allowHalfOpen: true }, (near) => {
    const reply = answer
    if (weather !== 'forward' || reply !== undefined) {
      tries++
      mute(near)
      if (reply !== undefined) near.once('data', (said) => near.end(reply(said)))
      else if (weather === 'stall') near.resume()
      else if (weather !== 'drop') near.resetAndDestroy()
      return
    }
    const far = net.connect({ ...target, allowHalfOpen: true })
    const pair: Pair = { near, far, weather: 'forward' }
    pairs.add(pair)
    carry(pair, near, far)
    carry(pair, far, near)
  })
  const listen = async (port: number): Promise<void> => {
    await once(server.listen(port, '127.0.0.1'), 'listening')
  }
  const stopListening = async (): Promise<void> => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    resetAll()
    await closed
  }
  await listen(0)
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0

  return {
    port,
    open: () => pairs.size,
    tries: () => tries,
    async become(next) {
      weather = next
      answer = undefined
      if (next === 'forward') awaited = undefined
      if (next === 'refuse') return stopListening()
      if (next === 'reset') resetAll()
      else for (const pair of pairs) settle(pair, next)
      // Those that met no connection behind it have none to go on with.
      if (next === 'forward') for (const socket of muted) socket.resetAndDestroy()
      if (!server.listening) await listen(port)
    },
    breakOpen(how) {
      if (how === 'reset') resetAll()
      else for (const pair of pairs) settle(pair, how)
    },
    breakNext(how, text) {
      awaited = { how, text }
    },
    answer(reply) {
      answer = reply
      resetAll()
    },
    close: stopListening,
  }
}

/** The way to a database through a proxy. */
export function throughProxy(databaseUrl: string, { port }: Pick<TcpProxy, 'port'>): string {
  const url = new URL(databaseUrl)
  url.hostname = '127.0.0.1'
  url.port = String(port)
  return url.href
}

/** A proxy before the server of a database, and the database's address through it. */
export async function openDatabaseProxy(databaseUrl: string): Promise<TcpProxy & { readonly url: string }> {
  const { hostname, port } = new URL(databaseUrl)
  const proxy = await openTcpProxy({ host: hostname, port: Number(port) })
  return { ...proxy, url: throughProxy(databaseUrl, proxy) }
}
