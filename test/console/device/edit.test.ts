import { describe, expect, test } from 'vitest'
import {
  foreignChanges,
  readEdited,
  rebase,
  toTwinPatch,
  type Written,
} from '../../../src/console/pages/device/edit.ts'

describe('an edited section', () => {
  test('is read as the smallest patch', () => {
    expect(readEdited({ site: 'north', floor: 1 }, '{ "site": "south" }')).toEqual({
      patch: { site: 'south', floor: null },
    })
  })

  test.each([
    ['nothing', '', /Enter \{\}/],
    ['a list', '[1]', /Enter a JSON object/],
    ['null', 'null', /Enter a JSON object/],
    ['half of it', '{ "a": ', /Invalid JSON: expected a value/],
  ])('that is %s is no patch, and it says why', (_what, text, problem) => {
    expect(readEdited({}, text)).toEqual({ problem: expect.stringMatching(problem) })
  })

  test('goes to its place in the twin', () => {
    expect(toTwinPatch('tags', { a: 1 })).toEqual({ tags: { a: 1 } })
    expect(toTwinPatch('desired', { a: 1 })).toEqual({ properties: { desired: { a: 1 } } })
  })
})

describe('changes of others', () => {
  const before: Written = { etag: '1', tags: { site: 'north', floor: 1 }, desired: { interval: 30 } }
  const now: Written = { etag: '2', tags: { site: 'east', floor: 1, room: 7 }, desired: { interval: 60 } }

  test('are shown with the section, and whether one’s own patch would overwrite them', () => {
    expect(foreignChanges(before, now, { section: 'tags', patch: { site: 'south', floor: 2 } })).toEqual([
      { section: 'tags', path: 'room', before: undefined, after: 7, isOverwritten: false },
      { section: 'tags', path: 'site', before: 'north', after: 'east', isOverwritten: true },
      { section: 'desired', path: 'interval', before: 30, after: 60, isOverwritten: false },
    ])
  })

  test('below what one removes are overwritten', () => {
    const deep: Written = { ...before, tags: { place: { site: 'north' } } }
    const changes = foreignChanges(
      deep,
      { ...deep, tags: { place: { site: 'east' } } },
      { section: 'tags', patch: { place: null } },
    )
    expect(changes).toEqual([
      { section: 'tags', path: 'place.site', before: 'north', after: 'east', isOverwritten: true },
    ])
  })

  test('stay when one goes on from the new state', () => {
    expect(rebase(now.tags, { site: 'south', floor: null })).toEqual({ site: 'south', room: 7 })
  })
})
