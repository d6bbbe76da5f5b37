import { Command } from '@commander-js/extra-typings'
import { fewestDevices } from '../demo/plan.ts'
import { wholeNumber } from '../options.ts'
import { listenForStop } from '../stop.ts'
import { createScreen } from '../terminal/screen.ts'

/** `twincast demo`: two jobs and a rollout over simulated devices. */
export const createDemo = () =>
  new Command('demo')
    .summary('runs two jobs and a rollout on a hub with simulated devices')
    .description(
      `Starts a hub with an empty database, connects simulated devices to it over MQTT, and runs two jobs over them:
a reboot by direct method and a change of desired properties. Then it rolls out a firmware in waves. The devices of the canary wave
refuse it, so the job pauses; after a repair, somebody else approves the rest, which follows at a rate, with one device of each floor
at a time. Takes about a minute and removes everything at the end.`,
    )
    .addOption(
      wholeNumber('--devices <N>', 'number of devices to simulate', { min: fewestDevices, max: 10_000 }).default(2_000),
    )
    .option('--keep', 'keeps the hub and its devices running until Ctrl-C')
    .action(async ({ devices, keep = false }) => {
      const { signal } = listenForStop()
      const { runDemo } = await import('../demo/run-demo.ts')
      const screen = createScreen(process.stdout, process.env)
      process.on('exit', () => screen.close())
      await runDemo(screen, { devices, keep }, signal)
    })
