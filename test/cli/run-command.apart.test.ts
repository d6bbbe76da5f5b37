import { Command, type CommandUnknownOpts, Option } from '@commander-js/extra-typings'
import { afterEach, expect, test, vi } from 'vitest'
import { ExitError } from '../../src/cli/exit-error.ts'
import { exitCodeOf, sentence } from '../../src/cli/run-command.ts'
import { Interrupted } from '../../src/cli/stop.ts'
import { UsageError } from '../../src/cli/usage-error.ts'

afterEach(() => vi.unstubAllEnvs())

/** Runs a command that ends in all ways. Returns its exit code and what it printed. */
async function run(...args: string[]): Promise<readonly [exitCode: number, out: string, error: string]> {
  const printed = { out: '', error: '' }
  const failing = (name: string, error: Error): CommandUnknownOpts =>
    new Command(name).action(() => {
      throw error
    })
  const list = new Command('list')
    .description('Lists\nthings.')
    .addOption(new Option('--from <N>', 'the first one').env('FROM').default('1'))
    .option('--all', 'all of them')
    .action((options) => {
      printed.out += JSON.stringify(options)
    })
  const tool = new Command('tool')
    .addCommand(failing('wrong', new UsageError('The file is wrong.')))
    .addCommand(failing('broken', new Error('It broke.', { cause: new Error('A part broke.') })))
    .addCommand(failing('stopped', new Interrupted('SIGTERM')))
    .addCommand(failing('partly', new ExitError(3, 'One of two things failed.')))
    .addCommand(new Command('things').addCommand(list))
  const exitCode = await exitCodeOf(tool, args, {
    out: (text) => {
      printed.out += text
    },
    error: (text) => {
      printed.error += text
    },
  })
  return [exitCode, printed.out, printed.error]
}

test.each([
  ['things list --all', [0, '{"from":"1","all":true}', '']],
  ['wrong', [2, '', 'The file is wrong.\nSee tool wrong --help.\n']],
  ['broken', [1, '', 'It broke.\n  A part broke.\n']],
  ['stopped', [143, '', '']],
  ['partly', [3, '', 'One of two things failed.\n']],
  ['thinks', [2, '', "Unknown command 'thinks'. Did you mean things?\nSee tool --help.\n"]],
  ['things lost', [2, '', "Unknown command 'lost'. Did you mean list?\nSee tool things --help.\n"]],
  ['things list --al', [2, '', "Unknown option '--al'. Did you mean --all?\nSee tool things list --help.\n"]],
  ['things list --zzzzzz', [2, '', "Unknown option '--zzzzzz'.\nSee tool things list --help.\n"]],
  [
    'things list now',
    [2, '', "Too many arguments for 'list'. Expected 0 arguments but got 1.\nSee tool things list --help.\n"],
  ],
])('%s ends with its exit code, and an error is one sentence', async (args, result) => {
  expect(await run(...args.split(' '))).toEqual(result)
})

test('a variable sets an option, an empty one does not', async () => {
  vi.stubEnv('FROM', '5')
  expect(await run('things', 'list')).toEqual([0, '{"from":"5"}', ''])
  vi.stubEnv('FROM', '')
  expect(await run('things', 'list')).toEqual([0, '{"from":"1"}', ''])
})

test('help is printed whatever else is typed, with a description in one paragraph', async () => {
  const [status, stdout, stderr] = await run('things', 'list', '--nonsense', '--help')
  expect([status, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^Usage: tool things list \[options\]\n\nLists things\.\n/)
})

test('a group of commands without a command is its help on standard error, and ends with 2', async () => {
  const [status, stdout, stderr] = await run('things')
  expect([status, stdout]).toEqual([2, ''])
  expect(stderr).toContain('list [options]')
})

test('an error is said with its causes, each once', () => {
  const cause = new Error('refused')
  expect(sentence(new Error('No hub.', { cause }))).toBe('No hub.\n  refused')
  expect(sentence(new Error('No hub: refused', { cause }))).toBe('No hub: refused')
})
