import { Command } from '@commander-js/extra-typings'
import { systemClock } from '../../clock.ts'
import { ExitError } from '../exit-error.ts'
import { hubFolder } from '../hub-folder.ts'
import { format } from '../output/format.ts'
import { printRows } from '../output/print.ts'
import { listenForStop } from '../stop.ts'
import { counted } from '../terminal/words.ts'

const columns = ['check', 'verdict', 'finding', 'advice']

/** `twincast doctor` */
export const createDoctor = () =>
  new Command('doctor')
    .summary('checks what a hub needs')
    .description(
      `Checks the configuration, the versions, the data folder, the disk, the ports, the certificates, the clock, the database and
NATS of a hub, whether it runs or not, and says what to do. It changes nothing. The environment configures the hub, as for
twincast start.`,
    )
    .addOption(hubFolder())
    .addOption(format())
    .addHelpText('after', '\nExit codes: 1 when there is a problem; warnings alone are a success.')
    .action(async ({ dataDir, format }) => {
      const { signal } = listenForStop()
      const { hubSettings } = await import('../hub-settings.ts')
      const { examine } = await import('../../doctor/examine.ts')
      const findings = await examine(hubSettings(dataDir), { clock: systemClock, signal })
      await printRows(findings, columns, format, signal)
      const problems = findings.filter(({ verdict }) => verdict === 'problem').length
      if (problems > 0) throw new ExitError(1, `${counted(problems, 'problem')} found.`)
    })
