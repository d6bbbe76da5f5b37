import type pg from 'pg'

/** What an operator has to know about a server and its database. */
export type DatabaseFacts = {
  /** As the server writes it: `18.4`. */
  readonly version: string
  readonly encoding: string
  readonly isReadOnly: boolean
  /** How many connections clients may have, and have. */
  readonly maxConnections: number
  readonly connections: number
  readonly bytes: number
  /** Whether a commit is on disk when a client learns of it. */
  readonly isDurable: boolean
  readonly time: Date
}

/** The roles of the instances that are alive, each once. Needs the column `roles` of the table `instance`. */
export async function readLivingRoles(client: pg.ClientBase): Promise<readonly string[]> {
  const { rows } = await client.query<{ role: string }>(
    'select distinct unnest(roles) as role from instance where lease_until > now()',
  )
  return rows.map(({ role }) => role)
}

export async function readFacts(client: pg.ClientBase): Promise<DatabaseFacts> {
  const { rows } = await client.query<Omit<DatabaseFacts, 'bytes'> & { readonly bytes: string }>(
    `select current_setting('server_version') as version,
            pg_encoding_to_char(encoding) as encoding,
            pg_is_in_recovery() or current_setting('default_transaction_read_only')::boolean as "isReadOnly",
            current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer
              as "maxConnections",
            (select count(*)::integer from pg_stat_activity where backend_type = 'client backend') as connections,
            pg_database_size(datname) as bytes,
            current_setting('fsync')::boolean and current_setting('full_page_writes')::boolean
              and current_setting('synchronous_commit') <> 'off' as "isDurable",
            clock_timestamp() as time
     from pg_database where datname = current_database()`,
  )
  const [row] = rows
  if (row === undefined) throw new Error('The database returned no facts.')
  return { ...row, bytes: Number(row.bytes) }
}
