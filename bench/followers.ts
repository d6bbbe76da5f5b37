// The program of a process of subscribers that follow jobs to their end (following.ts). As little as can count as one.
import { randomUUID } from 'node:crypto'
import { WebSocket } from 'ws'

/** What the process is told: to follow these jobs, each by the same number of subscribers. */
export type FollowersOrder = {
  readonly url: string
  readonly count: number
  readonly jobIds: readonly string[]
  /** Devices of each job, all of which are to succeed. */
  readonly devices: number
}
/** What it says. `following`: everybody has the first state. `ended`: everybody has the last one, and knows it. */
export type FollowersNews =
  | { readonly kind: 'following' }
  | { readonly kind: 'ended'; readonly updates: number }
  | { readonly kind: 'broken'; readonly reason: string }

/** Sockets that may be connecting at a time. */
const connectingAtOnce = 50

const tell = (news: FollowersNews): void => {
  process.send?.(news)
}
let [following, ended, updates] = [0, 0, 0]

function follow({ url, count, devices }: FollowersOrder, jobId: string): Promise<void> {
  const socket = new WebSocket(url, 'graphql-transport-ws', { perMessageDeflate: false })
  const query = `subscription { deviceJobStatistics(jobId: ${JSON.stringify(jobId)}) { version deviceJobStatistics { succeededCount } } }`
  let [version, succeeded] = [0, -1]
  return new Promise((resolve) => {
    socket.on('error', ({ message }) => tell({ kind: 'broken', reason: message }))
    socket.on('close', (code, reason) => tell({ kind: 'broken', reason: `closed with ${code} ${reason}` }))
    socket.on('open', () => socket.send('{"type":"connection_init"}'))
    socket.on('message', (data) => {
      const text = String(data)
      const found = /"version":(\d+),"deviceJobStatistics":\{"succeededCount":(\d+)\}/.exec(text)
      if (found !== null) {
        if (Number(found[1]) <= version) tell({ kind: 'broken', reason: `version ${found[1]} after ${version}` })
        if (version === 0 && ++following === count) tell({ kind: 'following' })
        version = Number(found[1])
        succeeded = Number(found[2])
        updates++
        resolve()
      } else if (text.includes('"type":"complete"')) {
        if (succeeded !== devices) tell({ kind: 'broken', reason: `${jobId} ended with ${succeeded} of ${devices}` })
        if (++ended === count) tell({ kind: 'ended', updates })
      } else if (text === '{"type":"connection_ack"}') {
        socket.send(JSON.stringify({ id: randomUUID(), type: 'subscribe', payload: { query } }))
      } else tell({ kind: 'broken', reason: text })
    })
  })
}

process.on('message', async (order: FollowersOrder) => {
  const { count, jobIds } = order
  let index = 0
  const openSome = async (): Promise<void> => {
    while (index < count) await follow(order, jobIds[index++ % jobIds.length] ?? '')
  }
  await Promise.all(Array.from({ length: connectingAtOnce }, openSome))
})
// The parent is gone, or has no more use for it.
process.on('disconnect', () => process.exit(0))
