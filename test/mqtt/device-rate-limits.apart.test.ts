import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { defaultLimits } from '../../src/limits/limits.ts'
import { createRations } from '../../src/mqtt/device-rate-limits.ts'
import { createTestClock } from '../support/clock.ts'

const given = () => {
  const clock = createTestClock()
  return { clock, rations: createRations({ clock, limits: { ...defaultLimits, mqttConnects: 1 } }) }
}

test('devices that did nothing for a while take no memory', () => {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  const heapUsed = (): number => {
    collect()
    return process.memoryUsage().heapUsed
  }
  const { clock, rations } = given()
  const before = heapUsed()
  for (let index = 0; index < 100_000; index++) {
    if (index % 1_000 === 0) clock.advance(10_000)
    rations.connect(`device-${index}`)
  }
  expect(heapUsed() - before).toBeLessThan(8 * 1024 * 1024)
  expect(rations.connect('device-0')).toBe(0)
})

test('a device that has used its ration up has it no more for all the others that came meanwhile', () => {
  const { rations } = given()
  for (let count = 0; count < 4; count++) expect(rations.connect('busy')).toBe(0)
  rations.of('spent').packets.left = 0
  for (let index = 0; index < 10_000; index++) rations.of(`device-${index}`)
  expect(rations.connect('busy')).toBe(1_000)
  expect(rations.of('spent').packets.left).toBe(0)
})
