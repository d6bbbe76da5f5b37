import { expect, test } from 'vitest'
import { type Progress, type Target, writeRows } from '../../../src/console/export/write-rows.ts'

const fields = [{ name: 'id', value: (row: { readonly id: string }) => row.id }]

/** A list of three pages with two rows each, written as CSV. */
function start(options: {
  readonly signal?: AbortSignal
  readonly failAt?: number
  readonly untilAgain?: (error: unknown) => Promise<void>
  readonly onPage?: () => void
}) {
  const texts: string[] = []
  const ends: string[] = []
  const cursors: (string | null)[] = []
  const progress: Progress[] = []
  const target: Target = {
    write: async (text) => void texts.push(text),
    close: async () => void ends.push('closed'),
    abort: async () => void ends.push('aborted'),
  }
  const done = writeRows({
    format: 'csv',
    fields,
    target,
    signal: options.signal ?? new AbortController().signal,
    onProgress: (now) => progress.push(now),
    async untilAgain(error) {
      if (options.untilAgain === undefined) throw error
      await options.untilAgain(error)
    },
    async readPage(after) {
      cursors.push(after)
      const index = Number(after)
      if (index === options.failAt && cursors.at(-2) !== after) throw new Error('no answer')
      options.onPage?.()
      return {
        nodes: [{ id: `${index}a` }, { id: `${index}b` }],
        pageInfo: { hasNextPage: index < 2, endCursor: String(index + 1) },
        ...(after === null && { totalCount: 6 }),
      }
    },
  })
  return { texts, ends, cursors, progress, done }
}

test('all pages are written in order, each with its progress, and then the file is complete', async () => {
  const { texts, ends, cursors, progress, done } = start({})
  await done
  expect(texts.join('')).toBe('\uFEFFid\r\n0a\r\n0b\r\n1a\r\n1b\r\n2a\r\n2b\r\n')
  expect(cursors).toEqual([null, '1', '2'])
  expect(progress).toEqual([2, 4, 6].map((rows) => ({ rows, totalCount: 6 })))
  expect(ends).toEqual(['closed'])
})

test('a page that cannot be read ends the export, and the file is discarded', async () => {
  const { ends, done } = start({ failAt: 1 })
  await expect(done).rejects.toThrow('no answer')
  expect(ends).toEqual(['aborted'])
})

test('a page that cannot be read is read again, and the file has every row once', async () => {
  const errors: unknown[] = []
  const { texts, ends, cursors, done } = start({ failAt: 1, untilAgain: async (error) => void errors.push(error) })
  await done
  expect(errors).toEqual([new Error('no answer')])
  expect(cursors).toEqual([null, '1', '1', '2'])
  expect(texts.join('')).toBe('\uFEFFid\r\n0a\r\n0b\r\n1a\r\n1b\r\n2a\r\n2b\r\n')
  expect(ends).toEqual(['closed'])
})

test('an export that waits for a page can be cancelled', async () => {
  const cancel = new AbortController()
  const { ends, done } = start({
    failAt: 1,
    signal: cancel.signal,
    untilAgain: () =>
      new Promise((_, reject) => {
        cancel.signal.addEventListener('abort', () => reject(cancel.signal.reason))
        cancel.abort()
      }),
  })
  await expect(done).rejects.toThrow(/abort/)
  expect(ends).toEqual(['aborted'])
})

test('a cancelled export reads no further page, and the file is discarded', async () => {
  const cancel = new AbortController()
  const { texts, ends, cursors, done } = start({ signal: cancel.signal, onPage: () => cancel.abort() })
  await expect(done).rejects.toThrow(/abort/)
  expect(texts).toEqual(['\uFEFFid\r\n'])
  expect(cursors).toEqual([null])
  expect(ends).toEqual(['aborted'])
})
