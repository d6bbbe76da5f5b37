import { describe, expect, test } from 'vitest'
import { InvalidInputError } from '../../src/errors.ts'
import type { JsonObject } from '../../src/json/json.ts'
import { defaultLimits } from '../../src/limits/limits.ts'
import { checkSectionSize, type SectionName } from '../../src/twin/size-limit.ts'

describe('the size of a section', () => {
  /** A section of exactly so many bytes, in strings below their own limit. */
  function sectionOf(size: number): JsonObject {
    const members: [string, string][] = []
    for (let left = size; left > 0; left -= 1024) {
      const key = `k${members.length}`
      members.push([key, 'x'.repeat(Math.min(left, 1024) - key.length)])
    }
    return Object.fromEntries(members)
  }

  test.each<readonly [SectionName, number, string]>([
    ['tags', 8192, '8 KB'],
    ['desired', 32768, '32 KB'],
    ['reported', 32768, '32 KB'],
  ])('%s may be %i bytes and not one more', (section, limit, text) => {
    expect(() => checkSectionSize(sectionOf(limit), section, { path: [], limits: defaultLimits })).not.toThrow()
    expect(() => checkSectionSize(sectionOf(limit + 4), section, { path: ['here'], limits: defaultLimits })).toThrow(
      expect.objectContaining({
        name: 'InvalidInputError',
        path: ['here'],
        message: expect.stringMatching(new RegExp(`\\b${section}\\b.*\\b${text}\\b`)),
      }),
    )
  })

  test.each<readonly [sentence: string, member: JsonObject, size: number]>([
    ['a key and a string their bytes of UTF-8', { é: 'aé' }, 5],
    ['a string not its control characters', { a: 'x\n\t\u0085y' }, 3],
    ['a number 8', { a: 0.123456789012 }, 9],
    ['a boolean 4', { a: false }, 5],
    ['an array its items', { a: [1, 'xy', { b: true }] }, 16],
    ['an object its members', { a: { b: { c: 'd' } } }, 4],
    ['a null and its key nothing', { a: null, b: { c: null } }, 1],
  ])('counts %s', (_sentence, member, size) => {
    const filler = { ...sectionOf(7168), z: 'x'.repeat(1024 - 1 - size) }
    expect(() => checkSectionSize({ ...filler, ...member }, 'tags', { path: [], limits: defaultLimits })).not.toThrow()
    expect(() =>
      checkSectionSize({ ...filler, ...member, z: `${filler.z}x` }, 'tags', { path: [], limits: defaultLimits }),
    ).toThrow(InvalidInputError)
  })
})
