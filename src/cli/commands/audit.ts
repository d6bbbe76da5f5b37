import { auditEntries } from '../audit-entries.ts'
import { hubCommand } from '../hub-options.ts'
import { text, time, words } from '../options.ts'
import { format, formatFor } from '../output/format.ts'
import { printRows } from '../output/print.ts'
import { dataDir } from '../token-options.ts'
import { withHub, withKeyOfFolder } from '../with-hub.ts'

const outcomes = ['SUCCEEDED', 'REFUSED', 'DENIED', 'FAILED'] as const
/** Tables have the columns that fit on a screen. */
const tableColumns = ['time', 'actor', 'operation', 'target', 'outcome', 'code']
/** The console exports the same ones without the ID. It shares no files with the hub, so a test compares them. */
export const auditColumns = [
  'id',
  'time',
  'actor',
  'kind',
  'issuer',
  'subject',
  'operation',
  'target',
  'address',
  'outcome',
  'code',
  'detail',
]

/** `twincast audit`: the audit of a hub. */
export const createAudit = () =>
  hubCommand('audit')
    .summary('prints who changed what')
    .description(
      `Prints who changed what, and who read the keys of devices, the newest first. Without --key and --token, the key of iothubowner
is read from the data folder.`,
    )
    .addOption(time('--from <TIME>', 'only entries of this time and later, such as 2026-11-01T00:00:00Z'))
    .addOption(time('--to <TIME>', 'only entries before this time'))
    .option('--actor <NAME>', 'only entries of this person or shared access policy')
    .option('--target <ID>', 'only entries about this device or job')
    .addOption(
      text(
        '--operation <NAMES>',
        'only entries of these operations, such as updateTwin,readKeys',
        /^\w+(,\w+)*$/,
        'names of operations, separated by commas',
      ),
    )
    .addOption(words('--outcome <OUTCOMES>', 'only entries with these outcomes, such as REFUSED,DENIED', outcomes))
    .addOption(dataDir())
    .addOption(format())
    .action(async ({ dataDir: folder, operation, from, to, actor, target, outcome, ...options }) =>
      withHub(await withKeyOfFolder(options, folder), async (hub, signal) => {
        const filter = { from, to, actor, target, operation: operation?.split(','), outcome }
        const isTable = formatFor(options.format, process.stdout) === 'table'
        await printRows(
          auditEntries(hub, filter, signal),
          isTable ? tableColumns : auditColumns,
          options.format,
          signal,
        )
      }),
    )
