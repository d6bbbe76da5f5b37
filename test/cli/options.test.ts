import { Command, type CommandUnknownOpts } from '@commander-js/extra-typings'
import { expect, test } from 'vitest'
import { abortRules } from '../../src/cli/jobs/abort-option.ts'
import { ramp } from '../../src/cli/jobs/ramp-option.ts'
import {
  address,
  key,
  labelFilter,
  labels,
  percentage,
  text,
  wholeNumber,
  wholeNumbers,
} from '../../src/cli/options.ts'
import { delay } from '../../src/cli/simulate/delay-option.ts'
import { UsageError } from '../../src/cli/usage-error.ts'

/** The values that the options get from these arguments. */
function read(...args: string[]): Readonly<Record<string, unknown>> {
  const command: CommandUnknownOpts = new Command()
    .addOption(wholeNumber('--devices <N>', 'how many', { min: 1, max: 10_000 }).default(2_000))
    .addOption(wholeNumbers('--rows <3,12>', 'which ones', { min: 1, max: 23 }))
    .addOption(percentage('--share <P>', 'some of them'))
    .addOption(text('--prefix <TEXT>', 'ids', /^[a-z-]+$/, 'small letters and dashes').default('sim'))
    .addOption(address('--hub <URL>', 'where', ['http:', 'https:']))
    .addOption(labels('--label <NAME=VALUE>', 'labels'))
    .addOption(labelFilter('--with <NAME[=VALUE]>', 'labels'))
    .addOption(abortRules())
    .addOption(ramp())
    .addOption(delay('how long'))
    .addOption(key('the key'))
    .exitOverride()
    .configureOutput({ outputError: () => {} })
  return command.parse(args, { from: 'user' }).opts()
}

test('labels are gathered, and a value may be empty or have the sign between name and value', () => {
  expect(read('--label', 'team=north', '--label=a/b=x=y', '--with', 'team', '--with', 'ticket=')).toMatchObject({
    label: [
      { name: 'team', value: 'north' },
      { name: 'a/b', value: 'x=y' },
    ],
    with: [{ name: 'team' }, { name: 'ticket', value: '' }],
  })
  for (const wrong of [
    ['--label', 'team'],
    ['--label', '=north'],
    ['--with', '=north'],
    ['--with', ''],
  ]) {
    expect(() => read(...wrong)).toThrow('It must be a name')
  }
})

test('a ramp has a rate, a factor and a number of devices', () => {
  expect(read('--ramp', '10*2@50').ramp).toEqual({ from: 10, factor: 2, afterSucceeded: 50 })
  expect(read('--ramp', '10*1.25@1').ramp).toMatchObject({ factor: 1.25 })
  for (const wrong of ['10', '10*2', '10@50', '*2@50', '10*2@x', '-1*2@50']) {
    expect(() => read(`--ramp=${wrong}`)).toThrow('10*2@50')
  }
})

test('abort rules are gathered, with or without a number of devices', () => {
  expect(read('--abort', 'failed>=3%:pause', '--abort', 'Refused, failed >= 2.5% @ 100: cancel').abort).toEqual([
    { on: ['FAILED'], percent: 3, action: 'PAUSE' },
    { on: ['REFUSED', 'FAILED'], percent: 2.5, afterDevices: 100, action: 'CANCEL' },
  ])
  const others = ['timed-out>=3%:pause', 'error=GatewayTimeout>=3%@10:pause', 'Status = 503 >= 1%: Cancel']
  expect(read(...others.flatMap((rule) => ['--abort', rule])).abort).toEqual([
    { on: ['TIMED_OUT'], percent: 3, action: 'PAUSE' },
    { errorCode: 'GatewayTimeout', percent: 3, afterDevices: 10, action: 'PAUSE' },
    { responseStatus: 503, percent: 1, action: 'CANCEL' },
  ])
  for (const wrong of [
    'failed',
    'failed>3%:pause',
    'failed>=3:pause',
    'timedout>=3%:pause',
    'error=>=3%:pause',
    'status=x>=3%:pause',
    'failed,status=503>=3%:pause',
    'failed>=3%:stop',
    '>=3%:pause',
  ]) {
    expect(() => read('--abort', wrong)).toThrow('It must be a rule such as failed>=3%:pause')
  }
})

test('an option that is left out has its default', () => {
  expect(read()).toEqual({ devices: 2_000, prefix: 'sim' })
})

test('an option has the value typed last, as its own type', () => {
  expect(read('--devices', '5', '--share=2.5%', '--devices=7', '--hub', 'https://b/graphql')).toMatchObject({
    devices: 7,
    share: 2.5,
    hub: 'https://b/graphql',
  })
})

test('an option of several numbers has them in the order in which they were typed', () => {
  expect(read('--rows', '12,3').rows).toEqual([12, 3])
  expect(read('--rows', '7').rows).toEqual([7])
})

test.each([
  [['--devices='], 'a whole number from 1 to 10,000'],
  [['--devices', '0'], 'a whole number from 1 to 10,000'],
  [['--devices', '10001'], 'a whole number from 1 to 10,000'],
  [['--devices', '1e3'], 'a whole number from 1 to 10,000'],
  [['--rows', '3,24'], 'whole numbers from 1 to 23, separated by commas'],
  [['--rows', '3,,4'], 'whole numbers from 1 to 23, separated by commas'],
  [['--share', '100.5'], 'a percentage from 0 to 100'],
  [['--prefix', 'A'], 'small letters and dashes'],
  [['--hub', 'mqtt://b'], 'an address that begins with http:// or https://'],
])('%j is refused with what is allowed', (args, allowed) => {
  expect(() => read(...args)).toThrow(`is invalid. It must be ${allowed}.`)
})

test('a key that is not valid is not shown', () => {
  expect(() => read('--key', 'c2VjcmV0')).toThrow(
    new UsageError('--key is not valid (a secret, not shown). It must be base64 of 16 to 64 bytes.'),
  )
  const valid = Buffer.alloc(32).toString('base64')
  expect(read('--key', valid).key).toBe(valid)
  expect(() => read('--key', `${valid} `)).toThrow(UsageError)
})

test.each([
  ['0', 0],
  ['250', 250],
  ['100-2000', { min: 100, max: 2_000 }],
])('a delay of %s is taken', (typed, value) => {
  expect(read('--delay', typed).delay).toEqual(value)
})

test.each(['5-2', '-5', '1-', '600001', 'soon'])('a delay of %s is refused', (typed) => {
  expect(() => read(`--delay=${typed}`)).toThrow('a range with the smaller number first')
})
