import { expect, test } from 'vitest'
import { readArguments, UsageError } from '../../src/cli/arguments.ts'
import { helpOf } from '../../src/cli/help.ts'
import { address, flag, key, percentage, text, wholeNumber, wholeNumbers } from '../../src/cli/options.ts'
import { simulateOptions } from '../../src/cli/simulate/options.ts'

const devices = wholeNumber({ placeholder: 'N', min: 1, max: 10_000, fallback: 2_000, help: 'how many' })
const rows = wholeNumbers({ placeholder: '3,12', min: 1, max: 23, help: 'which ones' })
const keep = flag('goes on')
const share = percentage('some of them')
const prefix = text({
  placeholder: 'TEXT',
  pattern: /^[a-z-]+$/,
  allowed: 'small letters and dashes',
  fallback: 'sim',
  help: 'ids',
})
const hub = address({ placeholder: 'URL', protocols: ['http:', 'https:'], fallback: 'http://a', help: 'where' })
const secret = key('the key')
const options = { devices, rows, keep, share, prefix, hub, key: secret }

const read = (...args: string[]) => {
  const request = readArguments(args, options)
  if (request === 'help') throw new Error('help was asked for')
  return request
}

test('an option that is left out has its fallback', () => {
  const given = read()
  expect([devices, rows, keep, prefix, secret].map((option) => given<unknown>(option))).toEqual([
    2_000,
    undefined,
    false,
    'sim',
    undefined,
  ])
})

test('an option has the value typed last, as its own type', () => {
  const given = read('--devices', '5', '--keep', '--share=2.5%', '--devices=7', '--hub', 'https://b/graphql')
  expect([given(devices), given(keep), given(share), given(hub)]).toEqual([7, true, 2.5, 'https://b/graphql'])
})

test('an option of several numbers has them in the order in which they were typed', () => {
  expect(read('--rows', '12,3')(rows)).toEqual([12, 3])
  expect(read('--rows', '7')(rows)).toEqual([7])
})

test.each([
  [['--devics', '5'], 'Unknown option --devics.'],
  [['-x'], 'Unknown option -x.'],
  [['--constructor'], 'Unknown option --constructor.'],
  [['--devices'], '--devices requires a value: a whole number from 1 to 10,000.'],
  [['--devices='], '--devices requires a value: a whole number from 1 to 10,000.'],
  [['--devices', '--keep'], '--devices requires a value: a whole number from 1 to 10,000.'],
  [['--devices', '0'], '--devices is "0"; it must be a whole number from 1 to 10,000.'],
  [['--devices', '10001'], '--devices is "10001"; it must be a whole number from 1 to 10,000.'],
  [['--devices', '1e3'], '--devices is "1e3"; it must be a whole number from 1 to 10,000.'],
  [['--rows', '3,24'], '--rows is "3,24"; it must be whole numbers from 1 to 23, separated by commas.'],
  [['--rows', '3,,4'], '--rows is "3,,4"; it must be whole numbers from 1 to 23, separated by commas.'],
  [['--share', '100.5'], '--share is "100.5"; it must be a percentage from 0 to 100.'],
  [['--prefix', 'A'], '--prefix is "A"; it must be small letters and dashes.'],
  [['--hub', 'mqtt://b'], '--hub is "mqtt://b"; it must be an address that begins with http:// or https://.'],
  [['--keep=yes'], '--keep takes no value.'],
  [['stray'], '"stray" is not an option. Use options only.'],
])('%j is refused in a sentence that names the option and what is allowed', (args, message) => {
  expect(() => read(...args)).toThrow(new UsageError(message))
})

test('a value may begin with two dashes when it is tied to its option', () => {
  expect(read('--prefix=--x')(prefix)).toBe('--x')
})

test('a key that is not valid is not shown', () => {
  expect(() => read('--key', 'c2VjcmV0')).toThrow('--key is not valid (a secret, not shown); it must be base64')
  const valid = Buffer.alloc(32).toString('base64')
  expect(read('--key', valid)(secret)).toBe(valid)
  expect(() => read('--key', `${valid} `)).toThrow(UsageError)
})

test.each([
  ['0', 0],
  ['250', 250],
  ['100-2000', { min: 100, max: 2_000 }],
])('a delay of %s is taken', (typed, value) => {
  const given = readArguments(['--delay', typed], simulateOptions)
  expect(given !== 'help' && given(simulateOptions.delay)).toEqual(value)
})

test.each(['5-2', '-5', '1-', '600001', 'soon'])('a delay of %s is refused', (typed) => {
  expect(() => readArguments([`--delay=${typed}`], simulateOptions)).toThrow(UsageError)
})

test('help is given whatever else is typed', () => {
  expect(readArguments(['--nonsense', '--help'], options)).toBe('help')
  expect(readArguments(['-h'], options)).toBe('help')
})

test('help names every option with its value and its default, and no key', () => {
  const help = helpOf({ name: 'npm run x', summary: 'Does x.', options })
  expect(help).toMatch(/^Does x\.\n\nUsage: npm run x -- \[options\]\n/)
  expect(help).toContain('  --devices N    how many (default 2000)\n')
  expect(help).toContain('  --keep         goes on\n')
  expect(help).toContain('  --key KEY      the key\n')
})
