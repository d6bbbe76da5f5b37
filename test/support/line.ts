import { openDatabaseProxy } from './tcp-proxy.ts'

/** A way to the database that can be cut. */
export type Line = {
  readonly url: string
  /** Connections that were tried while it was not open, but for those that only ask whether it is. */
  tries(): number
  /** Ends all connections, and drops those that come, or tells them that the database is starting up. */
  cut(how?: 'dropping' | 'starting'): void
  restore(): void
  /** From now on connections are refused. */
  close(): Promise<void>
}

export async function openLine(databaseUrl: string): Promise<Line> {
  const { url, become, answer, close } = await openDatabaseProxy(databaseUrl)
  let tries = 0
  return {
    url,
    tries: () => tries,
    cut(how = 'dropping') {
      answer((said) => {
        if (!said.includes('twincast health check')) tries++
        return how === 'starting' ? startingUp : Buffer.alloc(0)
      })
    },
    restore: () => void become('forward'),
    close,
  }
}

/** As PostgreSQL says it: an `E`, a length, and fields. */
const startingUp = ((): Buffer => {
  const fields = Buffer.from('SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0')
  const head = Buffer.from('E    ')
  head.writeInt32BE(fields.length + 4, 1)
  return Buffer.concat([head, fields])
})()
