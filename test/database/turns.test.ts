import { expect, test } from 'vitest'
import { takeTurns } from '../../src/database/turns.ts'

test('so many go on at a time, the others follow in the order in which they came, and who finds the line full is turned away', async () => {
  const turn = takeTurns({ most: 2, waiting: 2 })
  const begun: string[] = []
  const ends = new Map<string, (fail?: boolean) => void>()
  const work = (name: string) =>
    turn(
      () =>
        new Promise<string>((resolve, reject) => {
          begun.push(name)
          ends.set(name, (fail = false) => (fail ? reject(new Error(name)) : resolve(name)))
        }),
    )

  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(work)
  expect(await work('e')).toBeUndefined()
  expect(begun).toEqual(['a', 'b'])

  ends.get('b')?.()
  expect(await b).toBe('b')
  expect(begun).toEqual(['a', 'b', 'c'])

  ends.get('a')?.(true)
  await expect(a).rejects.toThrow('a')
  expect(begun).toEqual(['a', 'b', 'c', 'd'])

  ends.get('c')?.()
  ends.get('d')?.()
  expect(await Promise.all([c, d])).toEqual(['c', 'd'])
  const [f, g] = [work('f'), work('g')]
  expect(begun.slice(4)).toEqual(['f', 'g'])
  ends.get('f')?.()
  ends.get('g')?.()
  await Promise.all([f, g])
})
