import { relative, resolve } from 'node:path'
import { createCommand } from '@commander-js/extra-typings'
import { runCommand } from '../src/cli/run-command.ts'
import { listenForStop } from '../src/cli/stop.ts'
import { UsageError } from '../src/cli/usage-error.ts'
import { withOrigin } from './allowed-origins.ts'
import { openConsole } from './console.ts'
import { createGenerator } from './generator.ts'
import { createRestarts, runHub } from './hub.ts'
import { effectOf } from './sources.ts'

const root = resolve(import.meta.dirname, '..')

await runCommand(
  createCommand('npm run dev')
    .description(
      `Runs the hub from its sources, restarted after each change, and the console with hot reload, until Ctrl-C. The
environment configures the hub. DATA_DIR defaults to .twincast-dev. CONSOLE_PORT is the port of the console, by default
5173; its origin is added to ALLOWED_ORIGINS.`,
    )
    .action(runHubAndConsole),
)

async function runHubAndConsole(): Promise<void> {
  const { signal, hurry } = listenForStop()
  const say = (text: string): void => void process.stdout.write(`${text}\n`)
  if (process.env.HTTP_PORT === 'off') throw new UsageError('HTTP_PORT is off; the console in development needs it.')
  const hubUrl = `http://localhost:${process.env.HTTP_PORT || 4000}`
  const restarts = createRestarts()
  const generator = createGenerator({ root, say })
  const pages = await openConsole({
    root,
    port: Number(process.env.CONSOLE_PORT || 5173),
    hubUrl,
    onChange(path) {
      const file = relative(root, path)
      const effect = effectOf(file, path)
      if (effect === 'restart') restarts.ask(file)
      else if (effect !== undefined) generator.run(effect)
    },
  })
  const env = {
    ...process.env,
    DATA_DIR: process.env.DATA_DIR || '.twincast-dev',
    ALLOWED_ORIGINS: withOrigin(process.env.ALLOWED_ORIGINS, new URL(pages.console).origin),
  }
  try {
    const onFirstReady = (): void =>
      say(`\n  console   ${pages.console}\n  GraphQL   ${hubUrl}/graphql\n  GraphiQL  ${pages.graphiql}\n`)
    await runHub({ root, env, restarts, stop: signal, hurry, say, onFirstReady })
  } finally {
    await Promise.all([pages.close(), generator.close()])
  }
}
