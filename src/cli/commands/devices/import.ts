import { Argument, Option } from '@commander-js/extra-typings'
import { ExitError } from '../../exit-error.ts'
import { hubCommand } from '../../hub-options.ts'
import { type ImportProgress, importDevices, type Tally } from '../../import/import-devices.ts'
import { type FileFormat, linesOf } from '../../import/lines.ts'
import { wholeNumber } from '../../options.ts'
import { createScreen } from '../../terminal/screen.ts'
import { counted, number } from '../../terminal/words.ts'
import { withHub } from '../../with-hub.ts'

/** `twincast devices import` */
export const createDevicesImport = () =>
  hubCommand('import')
    .description(
      `Creates devices from a file. A line is JSON, {"deviceId": "a", "tags": {…}, "desired": {…}}, or a row of CSV with the
columns deviceId, tags and desired, where tags and desired are JSON. Lines that cannot be imported are named on standard error,
and do not affect the others. The import can be repeated. When it is stopped, it prints the line from which it can go on.`,
    )
    .addArgument(new Argument('<file>', 'the file; - is standard input'))
    .addOption(
      new Option('--format <FORMAT>', 'csv or jsonl; csv for a file whose name ends in .csv, if omitted').choices([
        'jsonl',
        'csv',
      ]),
    )
    .addOption(
      new Option('--if-exists <ACTION>', 'what to do with a device that exists: skip it, update its twin, or fail')
        .choices(['skip', 'update', 'fail'])
        .default('skip'),
    )
    .addOption(
      wholeNumber('--from-line <N>', 'leaves out the lines before this one, to go on with an import that was stopped', {
        min: 1,
        max: 4_294_967_295,
      }).default(1),
    )
    .option('--dry-run', 'checks the lines without a hub, and creates nothing')
    .addHelpText('after', '\nExit codes: 3 when some devices were not imported, 4 when no device was.')
    .action((file, { format, ifExists, fromLine, dryRun = false, ...options }) =>
      withHub(options, async ({ client }, signal) => {
        const screen = createScreen(process.stderr, process.env)
        process.on('exit', () => screen.close())
        const form: FileFormat = format ?? (file.endsWith('.csv') ? 'csv' : 'jsonl')
        let progress: ImportProgress = { tally: { created: 0, updated: 0, skipped: 0, failed: 0 }, nextLine: fromLine }
        const sayHowToGoOn = (): void => {
          const { tally, nextLine } = progress
          const done = `All lines before ${nextLine} are done; --from-line ${nextLine} goes on there.`
          screen.print(`Stopped: ${summaryOf(tally)}. ${nextLine > fromLine ? done : 'The import can be repeated.'}`)
        }
        signal.addEventListener('abort', sayHowToGoOn)
        const tally = await importDevices(dryRun ? undefined : client, linesOf(file, form), {
          fromLine,
          ifExists,
          onFailure: (line, message) => screen.print(`line ${line}: ${message}`),
          onProgress(soFar) {
            progress = soFar
            screen.live([`Importing: ${summaryOf(soFar.tally)} …`])
          },
          signal,
        }).catch((error: unknown) => {
          if (!signal.aborted && progress.nextLine > fromLine) sayHowToGoOn()
          throw error
        })
        signal.removeEventListener('abort', sayHowToGoOn)
        const summary = summaryOf(tally)
        screen.print(dryRun ? `Checked only: ${summary.replace('created', 'valid')}.` : `Imported: ${summary}.`)
        if (tally.failed > 0) {
          const done = tally.created + tally.updated + tally.skipped
          throw new ExitError(done > 0 ? 3 : 4, `${counted(tally.failed, 'line')} not imported.`)
        }
      }),
    )

function summaryOf({ created, updated, skipped, failed }: Tally): string {
  const parts = [
    `${number(created)} created`,
    ...(updated > 0 ? [`${number(updated)} updated`] : []),
    ...(skipped > 0 ? [`${number(skipped)} skipped because they exist`] : []),
    ...(failed > 0 ? [`${number(failed)} failed`] : []),
  ]
  return parts.join(', ')
}
