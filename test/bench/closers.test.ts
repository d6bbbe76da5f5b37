import { expect, test } from 'vitest'
import { createClosers } from '../../bench/closers.ts'

test('what was opened last is closed first, and a failure keeps nothing open', async () => {
  const closed: string[] = []
  const closers = createClosers()
  closers.add(async () => void closed.push('folder'))
  closers.add(() => Promise.reject(new Error('stuck')))
  closers.add(async () => void closed.push('fleet'))
  await expect(closers.close()).rejects.toThrow('stuck')
  expect(closed).toEqual(['fleet', 'folder'])
})

test('closing twice closes once', async () => {
  let count = 0
  const closers = createClosers()
  closers.add(async () => void count++)
  await closers.close()
  await closers.close()
  expect(count).toBe(1)
})
