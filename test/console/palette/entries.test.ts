import { describe, expect, test } from 'vitest'
import { type Entry, type Group, grouped, matching } from '../../../src/console/palette/entries.ts'

const entry = (group: Group, name: string): Entry => ({ id: `${group} ${name}`, group, name, run: () => {} })
const namesOf = (entries: readonly Entry[]): readonly string[] => entries.map(({ name }) => name)

describe('a text finds the entries', () => {
  const entries = ['Register device…', 'Devices', 'Failed at night', 'Export…'].map((name) => entry('Pages', name))
  test.each([
    ['', ['Register device…', 'Devices', 'Failed at night', 'Export…']],
    ['DEVICE', ['Devices', 'Register device…']],
    ['night fail', ['Failed at night']],
    [' export ', ['Export…']],
    ['exporter', []],
  ])('%j: whose names have all of its words, first those that begin with it', (text, names) => {
    expect(namesOf(matching(entries, text))).toEqual(names)
  })
})

test('groups are in their order, without empty ones, and keep the order of their entries', () => {
  const entries = [entry('Devices', 'b'), entry('Devices', 'a'), entry('Pages', 'c')]
  expect(grouped(entries).map(({ group, entries }) => [group, namesOf(entries)])).toEqual([
    ['Pages', ['c']],
    ['Devices', ['b', 'a']],
  ])
  expect(grouped([])).toEqual([])
})
