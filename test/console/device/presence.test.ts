import { expect, test } from 'vitest'
import { mergePresence, newerOf, withoutDeleted } from '../../../src/console/device/presence.ts'
import type { ConnectionState } from '../../../src/generated/console/graphql.ts'

const device = (id: string, minute: number | null, connectionState: ConnectionState = 'CONNECTED') => ({
  id,
  connectionState,
  status: 'ENABLED' as const,
  lastActivityTime: minute === null ? null : `2026-03-01T06:${String(minute).padStart(2, '0')}:00.000Z`,
})

test('rows change in place, and devices that are not in the list stay out of it', () => {
  const rows = [device('a', 1), device('b', null, 'DISCONNECTED')]
  expect(mergePresence(rows, [device('c', 5), device('b', 4)])).toEqual([device('a', 1), device('b', 4)])
})

test('of several states the latest counts, in whatever order they are reported', () => {
  const left = device('a', 9, 'DISCONNECTED')
  expect(mergePresence([device('a', 1)], [left, device('a', 8)])).toEqual([left])
})

test('what was read before the row does not take it back', () => {
  const rows = [device('a', 9, 'DISCONNECTED')]
  expect(mergePresence(rows, [device('a', 8)])).toBe(rows)
  expect(mergePresence(rows, [device('a', null)])).toBe(rows)
})

test('the rows are the same array when none of them is reported', () => {
  const rows = [device('a', 1)]
  expect(mergePresence(rows, [device('b', 2)])).toBe(rows)
  expect(mergePresence(rows, [])).toBe(rows)
})

test('of two states of the same moment the one that was reported last counts', () => {
  const reported = { ...device('a', 1), status: 'DISABLED' as const }
  expect(newerOf<ReturnType<typeof device> | typeof reported>(device('a', 1), reported)).toBe(reported)
})

test('rows of devices that were deleted go, and without any the list is the same', () => {
  const rows = [{ deviceId: 'a' }, { deviceId: 'b' }]
  expect(withoutDeleted(rows, new Set(['b', 'c']))).toEqual([{ deviceId: 'a' }])
  expect(withoutDeleted(rows, new Set(['c']))).toBe(rows)
})
