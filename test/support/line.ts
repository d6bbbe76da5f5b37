import net, { type AddressInfo } from 'node:net'

/** What becomes of a connection: it is carried on, dropped, or told that the database is starting up. */
type State = 'open' | 'dropping' | 'starting'

/** A way to the database that can be cut. */
export type Line = {
  readonly url: string
  /** Connections that were tried while it was not open. */
  tries(): number
  /** Ends all connections, and treats those that come like that. */
  cut(how?: 'dropping' | 'starting'): void
  restore(): void
  /** From now on connections are refused. */
  close(): Promise<void>
}

export async function openLine(databaseUrl: string): Promise<Line> {
  const target = new URL(databaseUrl)
  const sockets = new Set<net.Socket>()
  let state: State = 'open'
  let tries = 0
  const keep = (socket: net.Socket): net.Socket => {
    sockets.add(socket)
    return socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  }
  const server = net.createServer((near) => {
    keep(near)
    if (state !== 'open') tries++
    if (state === 'dropping') near.destroy()
    else if (state === 'starting') near.once('data', () => near.end(startingUp))
    else {
      const far = keep(net.connect(Number(target.port), target.hostname))
      near.pipe(far).pipe(near)
      near.on('close', () => far.destroy())
      far.on('close', () => near.destroy())
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(databaseUrl)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  const cut: Line['cut'] = (how = 'dropping') => {
    state = how
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: url.href,
    tries: () => tries,
    cut,
    restore() {
      state = 'open'
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      cut()
      await closed
    },
  }
}

/** As PostgreSQL says it: an `E`, a length, and fields. */
const startingUp = ((): Buffer => {
  const fields = Buffer.from('SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0')
  const head = Buffer.from('E    ')
  head.writeInt32BE(fields.length + 4, 1)
  return Buffer.concat([head, fields])
})()
