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

test('every limit is set by its variable', () => {
  const changed = Object.fromEntries(
    limitNames.map((name) => [limitTable[name].variable, String(limitTable[name].min)]),
  )
  const { limits } = readConfig(changed, '/')
  expect(limits).toEqual(Object.fromEntries(limitNames.map((name) => [name, limitTable[name].min])))
  expect(readConfig({}, '/').limits).toEqual(defaultLimits)
})
