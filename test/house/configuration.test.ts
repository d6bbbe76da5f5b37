import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Config, ConfigurationError, readConfig } from '../../src/config.ts'
import { limitNames, limitTable } from '../../src/limits/limits.ts'

type Row = { readonly variable: string; readonly type: string; readonly default: string; readonly meaning: string }
type Env = Readonly<Record<string, string>>

const document = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')

/** The rows of all tables, one for each variable. */
const rows: readonly Row[] = document
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .flatMap((line) => {
    const [names = '', type = '', value = '', meaning = ''] = line
      .split('|')
      .slice(1)
      .map((cell) => cell.trim())
    return wordsIn(names).map((variable) => ({ variable, type, default: value, meaning }))
  })

function wordsIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word)
}

/** The configuration, or what is wrong with this variable. */
function read(env: Env): Config | string {
  try {
    return readConfig(env, '/')
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems.join(' ')
    throw error
  }
}

/** What else has to be set so that a variable may be. */
const companions: Readonly<Record<string, Env>> = { THROTTLE_UNITS: { THROTTLE: 'S1' } }
const set = (variable: string, value: string): Env => ({ ...companions[variable], [variable]: value })

describe('docs/configuration.md', () => {
  test('lists the variables that the hub reads, each with type, default and meaning', () => {
    const asked = new Set<string>()
    const env = new Proxy<Record<string, string | undefined>>({}, { get: (_env, name) => void asked.add(String(name)) })
    readConfig(env, '/')
    for (const name of limitNames) asked.delete(limitTable[name].variable)
    expect(rows.map(({ variable }) => variable).sort()).toEqual([...asked].sort())
    for (const row of rows) expect(Object.values(row)).not.toContain('')
  })

  test.each(rows.filter((row) => row.default.startsWith('`')))('$variable: the default is $default', (row) => {
    const [value = ''] = wordsIn(row.default)
    expect(read(set(row.variable, value))).toEqual(read(companions[row.variable] ?? {}))
  })

  test.each(rows.filter(({ type }) => / to [\d,]+(, or `off`)?$/.test(type) && !type.startsWith('base64')))(
    '$variable: allowed is $type',
    ({ variable, type }) => {
      const [range = '', orElse] = type.split(', or ')
      const [min = 0, max = 0] = range.split(' to ').map((number) => Number(number.replaceAll(',', '')))
      const end = orElse === undefined ? '.' : ', or off.'
      const sentence = `${variable} is "${max + 1}"; it must be a whole number from ${min} to ${max}${end}`
      expect(read(set(variable, String(max + 1)))).toBe(sentence)
    },
  )

  test.each(rows.filter(({ type }) => type.startsWith('`') && !type.includes('://')))(
    '$variable: allowed is $type',
    ({ variable, type }) => {
      const sentence = `${variable} is "other"; it must be one of ${wordsIn(type).join(', ')}.`
      expect(read(set(variable, 'other'))).toBe(sentence)
    },
  )

  test.each(rows.filter(({ type }) => type === 'rate'))('$variable: allowed is a rate', ({ variable }) => {
    for (const value of wordsIn(/^A rate is .*/m.exec(document)?.[0] ?? '').slice(0, 3)) {
      expect(read(set(variable, value))).toBeTypeOf('object')
    }
    expect(read(set(variable, '100'))).toContain(`${variable} is "100"; it must be a number`)
  })

  test('says how many jobs run in each tier', () => {
    const { default: value = '' } = rows.find(({ variable }) => variable === 'MAX_RUNNING_JOBS') ?? {}
    const numbers = ['S1', 'S2', 'S3'].map((tier) => readConfig({ THROTTLE: tier }, '/').maxRunningJobs)
    expect(value).toContain(`: ${numbers[0]}, ${numbers[1]} or ${numbers[2]}`)
  })
})
