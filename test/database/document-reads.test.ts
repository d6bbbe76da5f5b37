import { type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import { expect, test } from 'vitest'
import { createDocumentReads } from '../../src/database/document-reads.ts'
import { LimitExceededError } from '../../src/errors.ts'
import { createTestClock } from '../support/clock.ts'

/** Reads of `a`, `b` and so on, each of which lasts until it is ended. */
function given({ connections = 4, queriesWaiting = 10, heavyWork = 500 } = {}) {
  const clock = createTestClock()
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const query = async (text: Sql) => {
    const name = String(text.values[0])
    begun.push(name)
    await new Promise<void>((resolve) => ends.set(name, resolve))
    return []
  }
  const readsFor = createDocumentReads({ reads: { query }, connections, clock }, { queriesWaiting, heavyWork })
  const ask = (name: string, signal?: AbortSignal) =>
    readsFor({ caller: name.slice(0, 1), ...(signal && { signal }) }).query(sql`select ${name}`)
  return { ask, begun, clock, end: (name: string) => ends.get(name)?.() }
}

test('they leave a connection to other reads, and one caller has half of them', async () => {
  const { ask, begun, end } = given()
  const all = ['a1', 'a2', 'a3', 'b1', 'b2'].map((name) => ask(name))
  expect(begun).toEqual(['a1', 'a2', 'b1'])
  for (const name of ['a1', 'a2', 'b1']) end(name)
  await Promise.all([all[0], all[1], all[3]])
  expect(begun.slice(3).sort()).toEqual(['a3', 'b2'])
  end('a3')
  end('b2')
  expect(await Promise.all(all)).toEqual([[], [], [], [], []])
})

test('heavy ones of a caller wait for its budget', async () => {
  const { ask, begun, clock, end } = given()
  const first = ask('a1')
  clock.advance(1_000)
  end('a1')
  await first
  const all = [ask('a2'), ask('b1')]
  expect(begun).toEqual(['a1', 'b1'])
  clock.advance(1_000)
  await clock.giveWay()
  expect(begun).toEqual(['a1', 'b1', 'a2'])
  end('a2')
  end('b1')
  await Promise.all(all)
})

test('a caller of whom too many wait is refused, and so is one that has disconnected', async () => {
  const { ask, begun, end } = given({ connections: 1, queriesWaiting: 1 })
  const first = ask('a1')
  const gone = new AbortController()
  const second = ask('a2', gone.signal)
  await expect(ask('a3')).rejects.toBeInstanceOf(LimitExceededError)
  gone.abort()
  await expect(second).rejects.toBeInstanceOf(LimitExceededError)
  end('a1')
  await first
  expect(begun).toEqual(['a1'])
})
