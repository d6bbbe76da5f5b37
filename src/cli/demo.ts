import { fewestDevices } from './demo/plan.ts'
import { flag, wholeNumber } from './options.ts'
import { runCommand } from './run-command.ts'
import { createScreen } from './terminal/screen.ts'

const devices = wholeNumber({
  placeholder: 'N',
  min: fewestDevices,
  max: 10_000,
  fallback: 2_000,
  help: 'number of devices to simulate',
})
const keep = flag('keeps the hub and its devices running until Ctrl-C')

await runCommand({
  name: 'npm run demo',
  summary: `Starts a hub with an empty database, connects simulated devices to it over MQTT, and runs two jobs over them:
a reboot by direct method and a change of desired properties. Takes about a minute and removes everything at the end.`,
  options: { devices, keep },
  async run(given, { signal }) {
    // Imported here, so that help and mistakes are answered without loading the hub.
    const { runDemo } = await import('./demo/run-demo.ts')
    const screen = createScreen(process.stdout, process.env)
    process.on('exit', () => screen.close())
    await runDemo(screen, { devices: given(devices), keep: given(keep) }, signal)
  },
})
