import { hubCommand } from '../hub-options.ts'
import { address, percentage, text, wholeNumber } from '../options.ts'
import { delay } from '../simulate/delay-option.ts'
import { listenForStop } from '../stop.ts'
import { createScreen } from '../terminal/screen.ts'
import { openHub } from '../with-hub.ts'

/** `twincast simulate`: simulated devices for a running hub. */
export const createSimulate = () =>
  hubCommand('simulate')
    .summary('connects simulated devices to a hub')
    .description(
      `Connects simulated devices to a running hub until Ctrl-C. Registers devices that are not registered yet,
with the tags simulated, building (41 to 44) and floor (1 to 5). Registered devices keep their keys and tags. Devices
answer every method call, with status 200 unless an option says otherwise.`,
    )
    .addOption(wholeNumber('--devices <N>', 'number of devices', { min: 1, max: 50_000 }).default(100))
    .addOption(
      text(
        '--prefix <TEXT>',
        'prefix of the device ids',
        /^[A-Za-z\d._-]{1,100}$/,
        '1 to 100 letters, digits, dots, dashes and underscores',
      ).default('sim'),
    )
    .addOption(
      address('--mqtt <URL>', 'the MQTT endpoint; by default port 1883 of the host in --hub, or 8883 with TLS', [
        'mqtt:',
        'mqtts:',
      ]),
    )
    .addOption(
      text(
        '--hub-name <NAME>',
        'the HUB_HOST_NAME of the hub, if it differs from the host in --mqtt',
        /^[A-Za-z\d.-]{1,253}$/,
        'a host name, without a port',
      ),
    )
    .addOption(percentage('--offline <P>', 'percentage of devices that stay offline').default(0))
    .addOption(percentage('--refuse <P>', 'percentage of devices that answer method calls with 409').default(0))
    .addOption(
      percentage('--silent <P>', 'percentage of devices that receive method calls and never answer').default(0),
    )
    .addOption(
      percentage(
        '--flapping <P>',
        'percentage of devices that lose their connection about every 20 seconds and reconnect',
      ).default(0),
    )
    .addOption(delay('milliseconds before a device answers, such as 50 or 100-2000').default(0))
    .addOption(
      wholeNumber('--seed <N>', 'seed that assigns the behaviours to the devices', {
        min: 0,
        max: 999_999_999,
      }).default(1),
    )
    .action(async ({ key, ...options }) => {
      const { signal } = listenForStop()
      const [{ simulate }, { settingsOf }] = await Promise.all([
        import('../simulate/run.ts'),
        import('../simulate/settings.ts'),
      ])
      const hubName = options.hubName ?? key?.host
      const hub = await openHub({ ...options, ...(key && { key: { ...(hubName && { host: hubName }), ...key } }) })
      const settings = settingsOf({ ...options, ...(hubName && { hubName }) }, hub)
      const screen = createScreen(process.stdout, process.env)
      process.on('exit', () => screen.close())
      await simulate(screen, hub, settings, signal)
    })
