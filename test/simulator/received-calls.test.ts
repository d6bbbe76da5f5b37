import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLedger, readLedger } from '../../src/simulator/received-calls.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ledger-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const entry = (rid: string) => ({ deviceId: 'd\t"1\n', rid, methodName: 'reboot', time: 5 })
const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

test('a ledger keeps every entry, repeated ones too, in memory', () => {
  const ledger = createLedger()
  for (const rid of ['a', 'b', 'a']) ledger.record(entry(rid))
  expect(ledger.entries).toStrictEqual([entry('a'), entry('b'), entry('a')])
})

test('the file is whole after each turn of the event loop, before the ledger is closed', async () => {
  const file = join(folder, 'ledger')
  const ledger = createLedger(file)
  ledger.record(entry('a'))
  ledger.record(entry('b'))
  await nextTurn()
  expect(readLedger(file)).toStrictEqual(ledger.entries)
  ledger.record(entry('c'))
  await nextTurn()
  expect(readLedger(file)).toStrictEqual([entry('a'), entry('b'), entry('c')])
  ledger.close()
})

test('closing writes what is left, closing twice is nothing, and a second ledger appends', () => {
  const file = join(folder, 'ledger')
  for (const rid of ['a', 'b']) {
    const ledger = createLedger(file)
    ledger.record(entry(rid))
    ledger.close()
    ledger.close()
  }
  expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(3)
  expect(readLedger(file)).toStrictEqual([entry('a'), entry('b')])
})
