import { expect, test } from 'vitest'
import { createMetrics, mostSeries } from '../src/metrics.ts'

test('counters and gauges are printed with their help, type and labels', () => {
  const metrics = createMetrics()
  const refused = metrics.counter('refused_total', 'Refused sign-ins.')
  refused.add({ reason: 'expired' })
  refused.add({ reason: 'expired' })
  refused.add({ reason: 'issuer' }, 3)
  metrics.gauge('valid', 'Whether the file is valid.').set(0)
  expect(metrics.print()).toBe(
    [
      '# HELP refused_total Refused sign-ins.',
      '# TYPE refused_total counter',
      'refused_total{reason="expired"} 2',
      'refused_total{reason="issuer"} 3',
      '# HELP valid Whether the file is valid.',
      '# TYPE valid gauge',
      'valid 0',
      '',
    ].join('\n'),
  )
})

test('a gauge that is read has the value of the moment in which it is printed', () => {
  const metrics = createMetrics()
  let age = 1
  metrics.gauge('age', 'Seconds.').read(() => age, { issuer: 'https://a.example' })
  age = 7
  expect(metrics.print()).toContain('age{issuer="https://a.example"} 7\n')
})

test('labels are escaped and sorted by name', () => {
  const metrics = createMetrics()
  metrics.gauge('g', 'A\nB').set(1, { b: 'a"b\\c\nd', a: '' })
  expect(metrics.print()).toContain('# HELP g A\\nB\n')
  expect(metrics.print()).toContain('g{a="",b="a\\"b\\\\c\\nd"} 1\n')
})

test('a name stands for one metric, and a metric without values is not printed', () => {
  const metrics = createMetrics()
  metrics.counter('c_total', 'C.').add()
  metrics.counter('c_total', 'C.').add()
  metrics.gauge('empty', 'Nothing.')
  expect(metrics.print()).toContain('c_total 2\n')
  expect(metrics.print()).not.toContain('empty')
  expect(() => metrics.gauge('c_total', 'C.')).toThrow('The metric c_total is a counter.')
})

test('the number of series is limited', () => {
  const metrics = createMetrics()
  const counter = metrics.counter('c_total', 'C.')
  for (let series = 0; series < mostSeries + 10; series++) counter.add({ series: String(series) })
  expect(metrics.print().split('\n').length).toBe(mostSeries + 3)
})
