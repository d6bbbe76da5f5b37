import { expect, test } from 'vitest'
import { shapeOf } from '../../bench/plan.ts'

const scan = { 'Node Type': 'Seq Scan', 'Relation Name': 'device' }
const lookup = { 'Node Type': 'Index Scan', 'Relation Name': 'twin', 'Index Name': 'twin_pkey' }

test('a plan in one line names its nodes, tables and indexes', () => {
  const plan = { 'Node Type': 'Nested Loop', 'Join Type': 'Inner', Plans: [scan, lookup] }
  expect(shapeOf(plan)).toBe('Nested Loop(Seq Scan device, Index Scan twin_pkey)')
})

test('plans that differ in the kind of join, the order or an index are not the same', () => {
  const join = { 'Node Type': 'Hash Join', 'Join Type': 'Inner', Plans: [scan, lookup] }
  const others = [
    { ...join, 'Join Type': 'Left' },
    { ...join, Plans: [lookup, scan] },
    { ...join, Plans: [scan, { ...lookup, 'Index Name': 'twin_tags' }] },
  ]
  expect(new Set([join, ...others].map(shapeOf)).size).toBe(4)
})
