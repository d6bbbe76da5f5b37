// The program of a process full of subscribers (audience.ts). As little as can count as one.
import { randomUUID } from 'node:crypto'
import { WebSocket } from 'ws'
import { percentile } from './numbers.ts'

/** What the process is told. Times are those of `process.hrtime`, which all processes of a machine have in common. */
export type Order =
  | { readonly kind: 'connect'; readonly url: string; readonly count: number; readonly query: string | undefined }
  | { readonly kind: 'report'; readonly sent: readonly (readonly [version: number, micros: number])[] }

/** What it says. `everybody`: all of them have got this version. */
export type News =
  | { readonly kind: 'connected' }
  | { readonly kind: 'everybody'; readonly version: number }
  | { readonly kind: 'report'; readonly p99: number; readonly deliveries: number }
  | { readonly kind: 'broken'; readonly reason: string }

/** Sockets that may be connecting at a time. */
const connectingAtOnce = 50

const tell = (news: News): void => {
  process.send?.(news)
}
const arrivals = new Map<number, number[]>()
let sockets = 0

function open(url: string, query: string | undefined): Promise<void> {
  const socket = new WebSocket(url, 'graphql-transport-ws', { perMessageDeflate: false })
  return new Promise((resolve) => {
    socket.on('error', (error) => tell({ kind: 'broken', reason: error.message }))
    socket.on('close', (code, reason) => tell({ kind: 'broken', reason: `closed with ${code} ${reason}` }))
    socket.on('open', () => {
      if (query === undefined) resolve()
      else socket.send('{"type":"connection_init"}')
    })
    socket.on('message', (data) => {
      const text = String(data)
      const version = /"version":(\d+)/.exec(text)?.[1]
      if (version !== undefined) arrived(Number(version))
      else if (text === '{"type":"connection_ack"}') {
        // Each has an id of its own, as clients of graphql-ws have.
        socket.send(JSON.stringify({ id: randomUUID(), type: 'subscribe', payload: { query } }))
        resolve()
      } else tell({ kind: 'broken', reason: text })
    })
  })
}

function arrived(version: number): void {
  const times = arrivals.get(version) ?? []
  arrivals.set(version, times)
  if (times.push(Number(process.hrtime.bigint() / 1000n)) === sockets) tell({ kind: 'everybody', version })
}

async function connect(url: string, count: number, query: string | undefined): Promise<void> {
  sockets = count
  let left = count
  const openSome = async (): Promise<void> => {
    while (left-- > 0) await open(url, query)
  }
  await Promise.all(Array.from({ length: connectingAtOnce }, openSome))
  tell({ kind: 'connected' })
}

function report(sent: readonly (readonly [number, number])[]): void {
  const delays = sent.flatMap(([version, micros]) => (arrivals.get(version) ?? []).map((at) => (at - micros) / 1000))
  arrivals.clear()
  tell({ kind: 'report', p99: percentile(delays, 0.99), deliveries: delays.length })
}

process.on('message', (order: Order) => {
  if (order.kind === 'connect') void connect(order.url, order.count, order.query)
  else report(order.sent)
})
// The parent is gone, or has no more use for it.
process.on('disconnect', () => process.exit(0))
