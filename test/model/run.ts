import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createCommand } from '@commander-js/extra-typings'
import { wholeNumber } from '../../src/cli/options.ts'
import { runCommand } from '../../src/cli/run-command.ts'

const largestSeed = 2 ** 31 - 1

const command = createCommand('npm run test:model --')
  .description(
    `Runs random commands of clients and devices on jobs, and compares the jobs after each step with a small model of what
docs/job-states.md says. Prints the shortest sequence that differs, and exits with status 1 then.`,
  )
  .addOption(wholeNumber('--sequences <N>', 'number of jobs', { min: 1, max: 10_000_000 }).default(10_000))
  .addOption(
    wholeNumber('--seed <N>', 'seed of the random choices, which is printed; random when omitted', {
      min: 0,
      max: largestSeed,
    }),
  )
  .action(async ({ sequences, seed = randomInt(largestSeed) }) => {
    const vitest = createRequire(import.meta.url).resolve('vitest/vitest.mjs')
    const child = spawn(process.execPath, [vitest, 'run', 'test/model'], {
      stdio: 'inherit',
      env: { ...process.env, MODEL_SEQUENCES: String(sequences), MODEL_SEED: String(seed) },
    })
    await once(child, 'exit')
    process.exitCode = child.exitCode ?? 1
  })

await runCommand(command)
