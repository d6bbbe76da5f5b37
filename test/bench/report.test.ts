import { describe, expect, test } from 'vitest'
import { figure, report } from '../../bench/report.ts'
import { rowWith, runs } from './rows.ts'

test('ours stands above its baseline, each with its median, spread and CPU time', () => {
  const ours = [4_000, 5_000, 5_500].map((value) => ({ value, cpuMicros: { hub: 40.5, database: 20, devices: 0 } }))
  const baseline = runs(10_000, 10_000, 11_000)
  const lines = report([rowWith({ ours, baseline, notes: ['the devices were busy'] })])
  expect(lines).toEqual([
    'row  what                   median  spread  hub µs  database µs  devices µs  ratio        limit',
    'P0   work               5,000 op/s    30 %    40.5         20.0        0.00   0.50  gate ≥ 0.50',
    '     against idleness  10,000 op/s    10 %       –            –           –              passes',
    '',
    'ratio: ours ÷ baseline; spread: (max − min) ÷ median; µs: CPU time per operation, of each process',
    'P0: the devices were busy',
  ])
})

describe('what a row came to', () => {
  const lowRatio = runs(1, 1, 1)
  test.each([
    ['passes', {}],
    ['FAILS', { ours: lowRatio }],
    ['met', { limit: { kind: 'goal', atLeast: 0.5 } }],
    ['missed', { ours: lowRatio, limit: { kind: 'goal', atLeast: 0.5 } }],
    ['no verdict: baseline spread over 25 %', { baseline: runs(1, 100, 200) }],
  ] as const)('%s', (words, change) => expect(report([rowWith(change)])[2]).toMatch(new RegExp(` ${words}$`)))
})

test.each([
  [0.0412, '0.0412'],
  [1.234, '1.23'],
  [56.78, '56.8'],
  [99.99, '100.0'],
  [12_345.6, '12,346'],
  [0, '0.00'],
  [Number.NaN, '–'],
])('%d is written %s', (value, text) => expect(figure(value)).toBe(text))
