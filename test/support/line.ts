import { openDatabaseProxy } from './tcp-proxy.ts'

/** A way to the database that can be cut. */
export type Line = {
  readonly url: string
  /**
   * Connections of a name that were tried while it was not open. Those for reads are tried for subscribers, and the others also
   * for the policies, which a server begins to read when it is created.
   */
  tries(name?: 'twincast' | 'twincast reads'): number
  /** Ends all connections, and drops those that come, or tells them that the database is starting up. */
  cut(how?: 'dropping' | 'starting'): void
  restore(): void
  /** From now on connections are refused. */
  close(): Promise<void>
}

export async function openLine(databaseUrl: string): Promise<Line> {
  const { url, become, answer, close } = await openDatabaseProxy(databaseUrl)
  const tries = new Map<string, number>()
  return {
    url,
    tries: (name = 'twincast reads') => tries.get(name) ?? 0,
    cut(how = 'dropping') {
      answer((said) => {
        const name = /\0application_name\0([^\0]*)/.exec(String(said))?.[1]
        if (name !== undefined) tries.set(name, (tries.get(name) ?? 0) + 1)
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
