import type pg from 'pg'
import Result from 'pg/lib/result.js'
import { prepareValue } from 'pg/lib/utils.js'
import { columnTypes } from './column-types.ts'

declare module 'pg' {
  interface Connection {
    /** The texts of the statements that are prepared on the connection, by name. pg adds those of its queries. */
    readonly parsedStatements: Readonly<Record<string, string | undefined>>
  }
  interface ClientBase {
    readonly connection: Connection
  }
}

/** A statement with the name under which connections prepare it. */
export type NamedStatement = { readonly name: string; readonly text: string; readonly values: readonly unknown[] }

type Done<Row> = (error: Error | null | undefined, rows?: Row[]) => void

/**
 * The columns of the statements that are prepared on a connection, by name. They stay as they are: PostgreSQL refuses to
 * execute a prepared statement whose columns have changed.
 */
const columnsOn = new WeakMap<pg.Connection, Map<string, Result>>()

/**
 * Prepares a statement once on each connection, and asks for its columns once. pg's own query asks for them in each
 * execution, and finds their parsers again, which takes as long as reading a dozen rows.
 */
class PreparedQuery<Row> implements pg.Submittable {
  /** pg notes the text of a prepared statement under its name. */
  readonly name: string
  readonly text: string
  /** Milliseconds. Undefined: those of the connection. */
  readonly query_timeout: number | undefined
  /** pg replaces it, to stop its timer. */
  callback: Done<Row>
  private readonly values: (string | Buffer | null)[]
  private readonly rows: Row[] = []
  private known: Map<string, Result> | undefined
  private columns: Result | undefined
  private failure: Error | undefined
  constructor({ name, text, values }: NamedStatement, timeout: number | undefined, done: Done<Row>) {
    this.name = name
    this.text = text
    this.query_timeout = timeout
    this.callback = done
    this.values = values.map((value) => prepareValue(value))
  }

  submit(connection: pg.Connection): Error | null {
    const { name, text, values } = this
    const prepared = connection.parsedStatements[name]
    if (prepared !== undefined && prepared !== text) return new Error(`Two statements have the name "${name}".`)
    this.known = columnsOn.get(connection) ?? new Map<string, Result>()
    columnsOn.set(connection, this.known)
    this.columns = this.known.get(name)
    // All messages in one packet.
    connection.stream.cork()
    if (prepared === undefined) connection.parse({ name, text, types: [] }, true)
    connection.bind({ statement: name, values }, true)
    if (this.columns === undefined) connection.describe({ type: 'P' }, true)
    connection.execute(null, true)
    connection.sync()
    connection.stream.uncork()
    return null
  }

  handleRowDescription({ fields }: { readonly fields: readonly pg.FieldDef[] }): void {
    this.columns = new Result(undefined, columnTypes)
    this.columns.addFields(fields)
    this.known?.set(this.name, this.columns)
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    if (this.failure !== undefined || this.columns === undefined) return
    try {
      this.rows.push(this.columns.parseRow(fields))
    } catch (error) {
      this.failure = error instanceof Error ? error : new Error(String(error))
    }
  }

  handleError(error: Error): void {
    this.callback(this.failure ?? error)
  }

  handleReadyForQuery(): void {
    this.callback(this.failure, this.rows)
  }

  // pg calls these for every query. Nothing depends on them here.
  handleCommandComplete(): void {}
  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}
  handleCopyInResponse(): void {}
  handleCopyData(): void {}
}

/** Runs a statement that the connection prepares at its first execution, within `timeout` milliseconds. */
export async function queryPrepared<Row>(
  client: pg.ClientBase,
  statement: NamedStatement,
  timeout: number | undefined,
): Promise<Row[]> {
  try {
    return await new Promise<Row[]>((resolve, reject) => {
      const done: Done<Row> = (error, rows = []) => (error ? reject(error) : resolve(rows))
      client.query(new PreparedQuery(statement, timeout, done))
    })
  } catch (error) {
    // Its stack led to the socket, and now leads to the caller.
    Error.captureStackTrace(Object(error))
    throw error
  }
}
