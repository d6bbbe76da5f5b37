import { randomInt } from 'node:crypto'
import { createCommand } from '@commander-js/extra-typings'
import { wholeNumber } from '../../src/cli/options.ts'
import { runCommand } from '../../src/cli/run-command.ts'
import { runTestFile } from '../support/run-test-file.ts'

const largestSeed = 2 ** 31 - 1

const command = createCommand('npm run test:kills --')
  .description(
    `Kills instances of a hub of three at named points and at random times while clients use every control of jobs, and
compares the rows with what the devices received. Exits with status 1 if something was wrong.`,
  )
  .addOption(wholeNumber('--named <N>', 'how often at a named point', { min: 0, max: 10_000 }).default(40))
  .addOption(wholeNumber('--random <N>', 'how often at a random time', { min: 0, max: 10_000 }).default(40))
  .addOption(
    wholeNumber('--seed <N>', 'seed of the random choices, which is printed; random when omitted', {
      min: 0,
      max: largestSeed,
    }),
  )
  .action(({ named, random, seed = randomInt(largestSeed) }) =>
    runTestFile('test/journeys/kills.test.ts', {
      KILLS_NAMED: String(named),
      KILLS_RANDOM: String(random),
      KILLS_SEED: String(seed),
    }),
  )

await runCommand(command)
