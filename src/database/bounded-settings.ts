import { randomUUID } from 'node:crypto'
import type pg from 'pg'

type Settings = { readonly name: string; ms: number }

/** One core is enough: a read with so short a limit must not make others wait. */
const statementOf = ({ name, ms }: Settings): string =>
  'set default_transaction_read_only = on; set max_parallel_workers_per_gather = 0; ' +
  `set application_name = '${name}'; set statement_timeout = ${ms}`

/**
 * Settings of connections that serve bounded reads only. A connection keeps them, so a read with the same time limit as
 * the one before is one round trip. They are set by a statement, which takes effect through every pooler.
 */
export function createBoundedSettings() {
  const process = randomUUID()
  const known = new WeakMap<pg.ClientBase, Settings>()
  let count = 0
  return {
    /** Gives the connection this time limit, and returns its `application_name`. */
    async prepare(client: pg.ClientBase, milliseconds: number): Promise<string> {
      const ms = Math.ceil(milliseconds)
      const settings = known.get(client)
      if (settings === undefined) {
        const first = { name: `twincast read ${process} ${count++}`, ms }
        await client.query(statementOf(first))
        known.set(client, first)
        return first.name
      }
      if (settings.ms !== ms) {
        await client.query(`set statement_timeout = ${ms}`)
        settings.ms = ms
      }
      return settings.name
    },

    /**
     * Waits for the statements that are still under way on the connection, and takes a cancellation that comes late.
     * Rejects when the connection must not be used again.
     */
    async restore(client: pg.ClientBase): Promise<void> {
      await client.query('select 1')
    },
  }
}
