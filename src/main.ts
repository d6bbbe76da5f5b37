import { once } from 'node:events'
import { createApp } from './app.ts'
import { runCommand } from './cli/run-command.ts'
import { readConfig } from './config.ts'

await runCommand({
  name: 'npm start',
  summary: `Runs the hub until Ctrl-C or SIGTERM; a second one makes it stop faster. It is configured by the environment,
for example HTTP_PORT=4100 npm start. All variables are in README.md.`,
  options: {},
  async run(_given, stop) {
    const app = createApp(readConfig(process.env, process.cwd()))
    stop.hurry.addEventListener('abort', () => app.hurry(), { once: true })
    const stopped = once(stop.signal, 'abort')
    // A start may hang, in a database that does not answer: a stop need not wait for it.
    await Promise.race([app.start(), stopped])
    await stopped
    await app.stop()
  },
})
