import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { defaultLimits, type Limit, limitNames, limitTable, printLimits } from '../../src/limits/limits.ts'

test('docs/limits.md is what the table prints', async () => {
  const stored = await readFile(new URL('../../docs/limits.md', import.meta.url), 'utf8')
  expect(printLimits(), 'run `npm run limits`').toBe(stored)
})

test('every limit has a variable of its own, and a default that is allowed', () => {
  const variables = limitNames.map((name) => limitTable[name].variable)
  expect(new Set(variables).size).toBe(variables.length)
  const outside = limitNames.filter((name) => {
    const { default: value, min, max }: Limit = limitTable[name]
    return value < min || value > max
  })
  expect(outside).toEqual([])
})

test.each(['min', 'max'] as const)('every limit is set by its variable, up to what is allowed: %s', (end) => {
  const allowed = limitNames.map((name) => [name, limitTable[name][end]] as const)
  const { limits } = readConfig(
    Object.fromEntries(allowed.map(([name, value]) => [limitTable[name].variable, String(value)])),
    '/',
  )
  expect(limits).toEqual(Object.fromEntries(allowed))
  expect(readConfig({}, '/').limits).toEqual(defaultLimits)
})
