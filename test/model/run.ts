import { randomInt } from 'node:crypto'
import { createCommand } from '@commander-js/extra-typings'
import { wholeNumber } from '../../src/cli/options.ts'
import { runCommand } from '../../src/cli/run-command.ts'
import { runTestFile } from '../support/run-test-file.ts'

const largestSeed = 2 ** 31 - 1

const command = createCommand('npm run test:model --')
  .description(
    `Runs random commands of clients and devices on jobs, and compares the jobs after each step with a small model of what
docs/job-states.md says. Prints the shortest sequence that differs, and exits with status 1 then.`,
  )
  .addOption(wholeNumber('--sequences <N>', 'number of sequences', { min: 1, max: 10_000_000 }).default(10_000))
  .addOption(
    wholeNumber('--seed <N>', 'seed of the first sequence; those that follow have the next ones. Random when omitted', {
      min: 0,
      max: largestSeed,
    }),
  )
  .action(({ sequences, seed = randomInt(largestSeed) }) =>
    runTestFile('test/model/model.test.ts', { MODEL_SEQUENCES: String(sequences), MODEL_SEED: String(seed) }),
  )

await runCommand(command)
