// The program of a process of clients that ask for pages of jobs (asking.ts). As little as can count as a client, so that
// the processors are left to the server.
import { connect } from 'node:net'
import { type Asked, askedBody } from './job-pages.ts'

/** What the process is told: to get `count` requests ready, from number `from` on, and to send them. */
export type AskersOrder =
  | {
      readonly kind: 'prepare'
      readonly port: number
      readonly connections: number
      readonly from: number
      readonly count: number
      readonly asked: Asked
    }
  | { readonly kind: 'ask' }

/** What it says. `bytes`: of all bodies together. */
export type AskersNews =
  | { readonly kind: 'prepared' }
  | { readonly kind: 'answered'; readonly bytes: number }
  | { readonly kind: 'broken'; readonly reason: string }

type Connection = { ask(): void; close(): void }

const tell = (news: AskersNews): void => {
  process.send?.(news)
}

let requests: Buffer[] = []
let connections: Connection[] = []
let next = 0
let answers = 0
let bytes = 0

function open(port: number): Promise<Connection> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  const ask = (): void => {
    const request = requests[next++]
    if (request !== undefined) socket.write(request)
  }
  let arrived: Buffer = Buffer.alloc(0)
  socket.on('error', ({ message }) => tell({ kind: 'broken', reason: message }))
  socket.on('data', (chunk) => {
    arrived = arrived.length === 0 ? chunk : Buffer.concat([arrived, chunk])
    const length = bodyLength(arrived)
    if (length === undefined) return
    if (arrived.toString('latin1', 9, 12) !== '200' || arrived.includes('"errors"')) {
      tell({ kind: 'broken', reason: arrived.toString('latin1', 0, 1_000) })
      return
    }
    // Apollo Server ends a body with a line feed.
    bytes += arrived.at(-1) === 10 && arrived.at(-2) === 125 ? length - 1 : length
    arrived = Buffer.alloc(0)
    answers += 1
    if (answers === requests.length) tell({ kind: 'answered', bytes })
    else ask()
  })
  return new Promise((resolve) => socket.once('connect', () => resolve({ ask, close: () => socket.destroy() })))
}

/** The length of the body when the answer has arrived completely. Each answer has come before the next request leaves. */
function bodyLength(answer: Buffer): number | undefined {
  const end = answer.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const [, length] = /\ncontent-length: *(\d+)/i.exec(answer.toString('latin1', 0, end)) ?? []
  const body = end + 4
  if (length !== undefined) return answer.length - body >= Number(length) ? Number(length) : undefined
  // In chunks, the last of which is empty.
  if (answer.subarray(-5).toString('latin1') !== '0\r\n\r\n') return undefined
  let sum = 0
  for (let at = body; ; ) {
    const line = answer.indexOf('\r\n', at)
    const size = Number.parseInt(answer.toString('latin1', at, line), 16)
    if (size === 0) return sum
    sum += size
    at = line + 2 + size + 2
  }
}

process.on('message', async (order: AskersOrder) => {
  if (order.kind === 'ask') {
    for (const connection of connections) connection.ask()
    return
  }
  for (const connection of connections) connection.close()
  const head =
    'POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\naccept: application/json\r\n'
  requests = Array.from({ length: order.count }, (_, index) => {
    const body = askedBody(order.from + index, order.asked)
    return Buffer.from(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  })
  next = 0
  answers = 0
  bytes = 0
  connections = await Promise.all(Array.from({ length: order.connections }, () => open(order.port)))
  tell({ kind: 'prepared' })
})
// The parent is gone, or has no more use for it.
process.on('disconnect', () => process.exit(0))
