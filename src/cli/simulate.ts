import { runCommand } from './run-command.ts'
import { simulateOptions } from './simulate/options.ts'
import { simulate } from './simulate/run.ts'
import { readSettings } from './simulate/settings.ts'
import { createScreen } from './terminal/screen.ts'

await runCommand({
  name: 'npm run simulate',
  summary: `Connects simulated devices to a running hub, until Ctrl-C. Devices that are not registered yet are registered;
with the tags simulated, building (41 to 44) and floor (1 to 5); those that are, keep their keys and tags. They answer
every method call, with 200 unless told otherwise.`,
  options: simulateOptions,
  async run(given, { signal }) {
    const screen = createScreen(process.stdout, process.env)
    process.on('exit', () => screen.close())
    await simulate(screen, await readSettings(given, process.env), signal)
  },
})
