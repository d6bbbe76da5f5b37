import { expect, test } from 'vitest'
import { rolloutCondition } from '../../src/cli/demo/firmware.ts'
import {
  answeringOf,
  fewestDevices,
  isOldPump,
  isRebooted,
  newInterval,
  oldPumpCondition,
  type PlannedDevice,
  planFleet,
  rebootCondition,
  tagsOf,
} from '../../src/cli/demo/plan.ts'
import type { JsonObject } from '../../src/json/json.ts'
import { parseCondition } from '../../src/query/parser.ts'
import { selects } from '../query/evaluator.ts'

const twinOf = (device: PlannedDevice): JsonObject => ({
  tags: tagsOf(device),
  properties: { desired: { [newInterval.name]: newInterval.before }, reported: { firmware: device.firmware } },
})

const partsOf = (plan: readonly PlannedDevice[]) => {
  const counts: Record<string, number> = {}
  for (const { part } of plan.filter(isRebooted)) counts[part] = (counts[part] ?? 0) + 1
  return counts
}

test('the same count makes the same fleet', () => {
  expect(planFleet(500)).toEqual(planFleet(500))
  expect(new Set(planFleet(2_000).map(({ deviceId }) => deviceId)).size).toBe(2_000)
})

test('a floor of 2,000 devices has most that reboot and some that show what else happens', () => {
  expect(partsOf(planFleet(2_000))).toEqual({ reboots: 84, refuses: 5, silent: 1, late: 4, offline: 6 })
})

test('the smallest fleet has every part too', () => {
  expect(Object.keys(partsOf(planFleet(fewestDevices))).sort()).toEqual([
    'late',
    'offline',
    'reboots',
    'refuses',
    'silent',
  ])
})

test('only the floor that is rebooted has devices that do not reboot', () => {
  expect(planFleet(2_000).filter((device) => device.part !== 'reboots' && !isRebooted(device))).toEqual([])
})

test('some pump with old firmware is switched off when its interval changes', () => {
  expect(planFleet(2_000).some((device) => device.part === 'offline' && isOldPump(device))).toBe(true)
})

test('the conditions select whom the plan expects', () => {
  const plan = planFleet(600)
  for (const [text, expected] of [
    [rebootCondition, isRebooted],
    [oldPumpCondition, isOldPump],
  ] as const) {
    const condition = parseCondition(text)
    const selected = plan.filter((device) => selects(condition, twinOf(device)))
    expect(selected).toEqual(plan.filter(expected))
    expect(selected.length).toBeGreaterThan(0)
    expect(selected.length).toBeLessThan(plan.length)
  }
})

test('the rollout is for all devices', () => {
  const condition = parseCondition(rolloutCondition)
  expect(planFleet(600).filter((device) => !selects(condition, twinOf(device)))).toEqual([])
})

test('the floors of all buildings have different IDs, and devices of one floor the same', () => {
  const floors = new Map(planFleet(600).map((device) => [`${device.building} ${device.floor}`, tagsOf(device).floorId]))
  expect(new Set(floors.values()).size).toBe(20)
  for (const device of planFleet(600)) {
    expect(tagsOf(device).floorId).toBe(floors.get(`${device.building} ${device.floor}`))
  }
})

test('a device answers as its part says', () => {
  const [device] = planFleet(1)
  if (device === undefined) throw new Error('no device')
  expect(answeringOf({ ...device, part: 'silent' })).toEqual({ kind: 'silent' })
  expect(answeringOf({ ...device, part: 'refuses' })).toMatchObject({ kind: 'refuse', status: 409 })
  expect(answeringOf({ ...device, part: 'late' })).toMatchObject({ kind: 'answer', status: 200 })
})
