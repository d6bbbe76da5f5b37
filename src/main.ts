import { once } from 'node:events'
import { createApp } from './app.ts'
import { runCommand } from './cli/run-command.ts'
import { readConfig } from './config.ts'

/**
 * The end of a terminal stops the programs that were started from it; for a service the signal means that its files
 * have changed.
 */
const isService = !process.stdout.isTTY

await runCommand({
  name: 'npm start',
  summary: `Runs the hub until Ctrl-C or SIGTERM. A second signal makes it stop faster. The environment configures the hub,
for example HTTP_PORT=4100 npm start. docs/configuration.md lists all variables.`,
  options: {},
  survivesHangup: isService,
  async run(_given, stop) {
    const app = createApp(readConfig(process.env, process.cwd()))
    if (isService) process.on('SIGHUP', () => void app.reload())
    stop.hurry.addEventListener('abort', () => app.hurry(), { once: true })
    const stopped = once(stop.signal, 'abort')
    // A start may hang because the database does not answer: a stop need not wait for it.
    await Promise.race([app.start(), stopped])
    await stopped
    await app.stop()
  },
})
