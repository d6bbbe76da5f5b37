import { runCommand } from './run-command.ts'
import { simulateOptions } from './simulate/options.ts'
import { simulate } from './simulate/run.ts'
import { readSettings } from './simulate/settings.ts'
import { createScreen } from './terminal/screen.ts'

await runCommand({
  name: 'npm run simulate',
  summary: `Connects simulated devices to a running hub until Ctrl-C. Registers devices that are not registered yet,
with the tags simulated, building (41 to 44) and floor (1 to 5). Registered devices keep their keys and tags. Devices
answer every method call, with status 200 unless an option says otherwise.`,
  options: simulateOptions,
  async run(given, { signal }) {
    const screen = createScreen(process.stdout, process.env)
    process.on('exit', () => screen.close())
    await simulate(screen, await readSettings(given, process.env), signal)
  },
})
