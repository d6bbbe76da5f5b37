import { hubCommand } from '../hub-options.ts'
import { format } from '../output/format.ts'
import { printRows } from '../output/print.ts'
import { rowsOfStatement } from '../statement.ts'
import { dataDir } from '../token-options.ts'
import { withHub, withKeyOfFolder } from '../with-hub.ts'

/** `twincast query` */
export const createQuery = () =>
  hubCommand('query')
    .description(
      `Prints the rows of a statement such as "SELECT deviceId, tags.building FROM devices WHERE tags.floor = 2". The hub requires
a key or a token for statements. Without --key and --token, the key of iothubowner is read from the data folder.`,
    )
    .summary('prints the rows of a SELECT statement')
    .argument('<statement>', 'the statement')
    .addOption(dataDir())
    .addOption(format())
    .action(async (statement, { dataDir: folder, ...options }) =>
      withHub(await withKeyOfFolder(options, folder), async (hub, signal) => {
        const { columns, all } = await withColumns(rowsOfStatement(hub, statement, signal))
        await printRows(all, columns, options.format, signal)
      }),
    )

type Rows = AsyncIterable<Readonly<Record<string, unknown>>>

/** How many rows determine the columns of a table and of CSV. */
const sampled = 100

/** The columns of the first rows, in the order in which they occur, and all rows. */
async function withColumns(rows: Rows): Promise<{ readonly columns: readonly string[]; readonly all: Rows }> {
  const iterator = rows[Symbol.asyncIterator]()
  const first: Readonly<Record<string, unknown>>[] = []
  while (first.length < sampled) {
    const next = await iterator.next()
    if (next.done) break
    first.push(next.value)
  }
  const all = async function* () {
    yield* first
    yield* { [Symbol.asyncIterator]: () => iterator }
  }
  return { columns: [...new Set(first.flatMap((row) => Object.keys(row)))], all: all() }
}
