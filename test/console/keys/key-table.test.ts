import { describe, expect, test } from 'vitest'
import {
  ariaKeys,
  findKey,
  isCharacterKey,
  type KeyName,
  type KeyPress,
  keyNames,
  keyTable,
  readPress,
  spellKeys,
} from '../../../src/console/keys/key-table.ts'

const press = (key: string, held: Partial<KeyPress> = {}): KeyPress => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  ...held,
})

describe('a pressed key', () => {
  test('is read with the modifier of the platform, and not with any other', () => {
    expect(readPress(press('j'), false)).toBe('j')
    expect(readPress(press('k', { ctrlKey: true }), false)).toBe('Mod+k')
    expect(readPress(press('k', { metaKey: true }), true)).toBe('Mod+k')
    expect(readPress(press('k', { ctrlKey: true }), true)).toBeUndefined()
    expect(readPress(press('k', { metaKey: true }), false)).toBeUndefined()
    expect(readPress(press('j', { altKey: true }), false)).toBeUndefined()
  })

  test('is the same with Caps Lock, and another with Shift', () => {
    expect(readPress(press('J'), false)).toBe('j')
    expect(readPress(press('J', { shiftKey: true }), false)).toBeUndefined()
    expect(readPress(press('Enter', { shiftKey: true }), false)).toBeUndefined()
  })

  test('is a character on keyboards that need Shift for it', () => {
    expect(readPress(press('?', { shiftKey: true }), false)).toBe('?')
    expect(readPress(press('/', { shiftKey: true }), false)).toBe('/')
  })
})

describe('keys', () => {
  test('are found by one press or by two', () => {
    expect(findKey('j', undefined, keyNames)).toEqual({ name: 'next' })
    expect(findKey('g', undefined, keyNames)).toEqual({ first: 'g' })
    expect(findKey('j', 'g', keyNames)).toEqual({ name: 'jobs' })
    expect(findKey('x', 'g', keyNames)).toBeUndefined()
    expect(findKey('g', 'g', keyNames)).toBeUndefined()
    expect(findKey('q', undefined, keyNames)).toBeUndefined()
  })

  test('do nothing where they are not offered', () => {
    expect(findKey('j', undefined, ['filter'])).toBeUndefined()
    expect(findKey('g', undefined, ['filter'])).toBeUndefined()
    expect(findKey('a', 'g', ['jobs'])).toBeUndefined()
  })

  test('are each given once, and none begins another', () => {
    const all = keyNames.map((name) => keyTable[name].keys)
    expect(new Set(all).size).toBe(all.length)
    expect(all.filter((keys) => all.some((other) => other.startsWith(`${keys} `)))).toEqual([])
  })

  test('can be turned off if speech could press them', () => {
    const off: KeyName[] = ['palette', 'close', 'open', 'suggest', 'review']
    expect(keyNames.filter((name) => !isCharacterKey(name))).toEqual(off)
  })

  test('are written as on the keyboard, and for ARIA', () => {
    expect(spellKeys('palette', false)).toEqual([['Ctrl', 'K']])
    expect(spellKeys('review', true)).toEqual([['⌘', 'Enter']])
    expect(spellKeys('jobs', false)).toEqual([['g'], ['j']])
    expect(spellKeys('close', false)).toEqual([['Esc']])
    expect(ariaKeys('palette')).toBe('Control+k Meta+k')
    expect(ariaKeys('list')).toBe('?')
  })
})
