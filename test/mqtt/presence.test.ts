import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { PresenceChange } from '../../src/device/presence-store.ts'
import { inRounds } from '../../src/mqtt/presence.ts'

const change = (deviceId: string, connectionId: string, connected: boolean): PresenceChange => ({
  deviceId,
  connectionId,
  connected,
  time: new Date(0),
})

/** What a statement does to the rows: an end is written only over its own beginning. */
function apply(rows: Map<string, string | null>, round: readonly PresenceChange[]): void {
  for (const { deviceId, connectionId, connected } of round) {
    if (connected) rows.set(deviceId, connectionId)
    else if (rows.get(deviceId) === connectionId) rows.set(deviceId, null)
  }
}

test('a late end of an older connection does not undo a newer beginning', () => {
  const newer = change('d', '2', true)
  expect(inRounds([newer, change('d', '1', false)])).toEqual([[newer]])
})

test('the end of a connection from an earlier batch needs one statement, of a short one two', () => {
  expect(inRounds([change('d', '1', false)])).toEqual([[change('d', '1', false)]])
  expect(inRounds([change('d', '1', false), change('d', '2', true), change('d', '2', false)])).toEqual([
    [change('d', '2', true)],
    [change('d', '2', false)],
  ])
})

test('the rounds leave the rows as the changes one by one would, with each device at most once in each', () => {
  const steps = fc.array(fc.record({ device: fc.constantFrom('a', 'b'), connected: fc.boolean() }), { maxLength: 12 })
  fc.assert(
    fc.property(steps, (all) => {
      // Connections of a device follow each other; the one before the first began in an earlier batch.
      const rows = new Map<string, string | null>([
        ['a', 'a0'],
        ['b', null],
      ])
      const counts: Record<string, number> = { a: 0, b: 0 }
      const changes = all.map(({ device, connected }) => {
        if (connected) counts[device] = (counts[device] ?? 0) + 1
        return change(device, `${device}${counts[device]}`, connected)
      })
      const oneByOne = new Map(rows)
      for (const single of changes) apply(oneByOne, [single])
      for (const round of inRounds(changes)) {
        expect(new Set(round.map(({ deviceId }) => deviceId)).size).toBe(round.length)
        apply(rows, round)
      }
      expect(rows).toEqual(oneByOne)
    }),
  )
})
