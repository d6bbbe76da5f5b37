import { expect, test } from 'vitest'
import {
  type PresetName,
  parseRate,
  printRate,
  type ThrottleName,
  throttleNames,
  throttlingOf,
} from '../../src/throttle/presets.ts'

const printed = (preset: PresetName, units: number, name: ThrottleName): string => {
  const rate = throttlingOf(preset, units)[name]
  return rate === undefined ? 'off' : printRate(rate)
}

// IoT Hub's article on quotas and throttling: one unit, and twenty.
test.each<[ThrottleName, readonly [string, string], readonly [string, string], readonly [string, string]]>([
  ['registry', ['100/min', '2000/min'], ['100/min', '2000/min'], ['5000/min', '100000/min']],
  ['connections', ['100/s', '240/s'], ['120/s', '2400/s'], ['6000/s', '120000/s']],
  ['telemetry', ['100/s', '240/s'], ['120/s', '2400/s'], ['6000/s', '120000/s']],
  ['methods', ['160/s', '3200/s'], ['480/s', '9600/s'], ['24000/s', '480000/s']],
  ['queries', ['20/min', '400/min'], ['20/min', '400/min'], ['1000/min', '20000/min']],
  ['twinReads', ['100/s', '100/s'], ['100/s', '200/s'], ['500/s', '10000/s']],
  ['twinUpdates', ['50/s', '50/s'], ['50/s', '100/s'], ['250/s', '5000/s']],
  ['jobOperations', ['100/min', '2000/min'], ['100/min', '2000/min'], ['5000/min', '100000/min']],
  ['jobDeviceOperations', ['10/s', '10/s'], ['10/s', '20/s'], ['50/s', '1000/s']],
])('%s has the quotas of the tiers', (name, ...tiers) => {
  const presets: readonly PresetName[] = ['S1', 'S2', 'S3']
  expect(presets.map((preset) => [printed(preset, 1, name), printed(preset, 20, name)])).toEqual(tiers)
})

test('protect does not slow jobs down, and off limits nothing', () => {
  expect(printed('protect', 1, 'jobDeviceOperations')).toBe('off')
  expect(throttleNames.map((name) => printed('off', 1, name))).toEqual(throttleNames.map(() => 'off'))
})

test('protect lets through what an S3 unit does, and more', () => {
  const bySecond = (preset: PresetName, name: ThrottleName): number => {
    const rate = throttlingOf(preset, 1)[name]
    return rate === undefined ? Number.POSITIVE_INFINITY : rate.amount / rate.seconds
  }
  const lower = throttleNames.filter((name) => bySecond('protect', name) < bySecond('S3', name))
  // No more than 5,000 devices may wait to be let in anyway.
  expect(lower).toEqual(['connections'])
})

test('a rate is a whole number by second or minute, or off', () => {
  expect(parseRate('20/min')).toEqual({ amount: 20, seconds: 60 })
  expect(parseRate('999999999/s')).toEqual({ amount: 999_999_999, seconds: 1 })
  expect(parseRate('off')).toBeUndefined()
})

test.each(['', '20', '20/h', '0/s', '007/s', '1.5/s', '-1/s', '1e3/s', ' 1/s', '1/s ', '1000000000/s', 'OFF'])(
  '%j is no rate',
  (text) => {
    expect(parseRate(text)).toBeNull()
  },
)
