import { once } from 'node:events'
import { Command } from '@commander-js/extra-typings'
import { listenForStop } from '../stop.ts'

/** `twincast start`: the hub. */
export const createStart = () =>
  new Command('start')
    .summary('runs the hub')
    .description(
      `Runs the hub until Ctrl-C or SIGTERM. A second signal makes it stop faster. The environment configures the hub, for
example HTTP_PORT=4100 twincast start. docs/configuration.md lists all variables.`,
    )
    .action(runHub)

async function runHub(): Promise<void> {
  // The end of a terminal stops the programs that were started from it; for a service the signal means that its files
  // have changed.
  const isService = !process.stdout.isTTY
  const stop = listenForStop(isService ? ['SIGINT', 'SIGTERM'] : undefined)
  const { createApp } = await import('../../app.ts')
  const { readConfig } = await import('../../config.ts')
  const app = createApp(readConfig(process.env, process.cwd()))
  if (isService) process.on('SIGHUP', () => void app.reload())
  stop.hurry.addEventListener('abort', () => app.hurry(), { once: true })
  const stopped = stop.signal.aborted ? Promise.resolve() : once(stop.signal, 'abort')
  // A start may hang because the database does not answer: a stop need not wait for it.
  await Promise.race([app.start(), stopped])
  await stopped
  await app.stop()
}
