import { expect, test } from 'vitest'
import { nextForm } from '../../../src/console/ui/time-form.ts'

const texts = { relative: '3 min ago', local: '1 Dec 2026, 15:02:20 CET', utc: '1 Dec 2026, 14:02:20 UTC' }

test('times change from relative to local, to UTC, and back', () => {
  expect(nextForm('relative', texts)).toBe('local')
  expect(nextForm('local', texts)).toBe('utc')
  expect(nextForm('utc', texts)).toBe('relative')
})

test('a change is always visible', () => {
  expect(nextForm('local', { ...texts, local: texts.utc })).toBe('relative')
  expect(nextForm('relative', { ...texts, relative: texts.local })).toBe('utc')
  expect(nextForm('relative', { relative: texts.utc, local: texts.utc, utc: texts.utc })).toBe('relative')
})
