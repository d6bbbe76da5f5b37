import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { parse } from 'graphql'
import { describe, expect, test } from 'vitest'
import { createDocumentCache } from '../../../src/graphql/transport/document-cache.ts'
import { maxBodyBytes } from '../../../src/limits/body-size.ts'
import { openDoor } from '../door.ts'

const document = parse('{ a }')

describe('documents', () => {
  test('are found by their texts', () => {
    const cache = createDocumentCache<object>()
    cache.set('{ a }', document)
    expect(cache.get('{ a }')).toBe(document)
    expect(cache.get('{ b }')).toBeUndefined()
  })

  test('are forgotten when their texts are too long together, those first that nobody asked for', () => {
    const cache = createDocumentCache<object>(8, 8)
    for (const text of ['aaaa', 'bbbb']) cache.set(text, document)
    cache.get('aaaa')
    cache.set('cccc', document)
    expect(['aaaa', 'bbbb', 'cccc'].map((text) => cache.get(text) !== undefined)).toEqual([true, false, true])
  })

  test('that are remembered again count once', () => {
    const cache = createDocumentCache<object>(8, 8)
    for (const text of ['aaaa', 'bbbb', 'bbbb', 'bbbb']) cache.set(text, document)
    expect(cache.get('aaaa')).toBe(document)
  })

  test('that grow leave less room for others', () => {
    const cache = createDocumentCache<object>(8, 8)
    const entry = {}
    cache.set('aa', entry)
    cache.set('bb', document)
    cache.get('aa')
    cache.grow('aa', entry, 5)
    expect(['aa', 'bb'].map((text) => cache.get(text) !== undefined)).toEqual([true, false])
    cache.grow('aa', entry, 2)
    expect(cache.get('aa')).toBeUndefined()
    cache.set('cccccccc', document)
    cache.grow('aa', entry, 2)
    expect(cache.get('cccccccc')).toBe(document)
  })

  test('with a text that is too long are not remembered, and drive out nobody', () => {
    const cache = createDocumentCache<object>(100, 8)
    cache.set('aaaa', document)
    cache.set('b'.repeat(9), document)
    expect(cache.get('b'.repeat(9))).toBeUndefined()
    expect(cache.get('aaaa')).toBe(document)
  })
})

test.each([
  ['documents', '{ __typename }'],
  ['documents that cannot be parsed', '{ '],
])('of large %s the door keeps nothing', async (_, text) => {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  const heapUsed = (): number => {
    collect()
    return process.memoryUsage().heapUsed
  }
  const door = await openDoor({ limits: { documentBytes: maxBodyBytes } })
  const ask = (index: number) => door.ask(`# ${index} ${'x'.repeat(maxBodyBytes - 1000)}\n${text}`)
  await ask(-1)
  const before = heapUsed()
  for (let index = 0; index < 100; index++) await ask(index)
  expect(heapUsed() - before).toBeLessThan(8 * 1024 * 1024)
  await door.close()
})
