import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { twincast } from '../support/twincast.ts'
import { runProgram } from './run-program.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'twincast-journey-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const run = (args: readonly string[], until?: string) => runProgram(folder, [twincast, 'demo', ...args], until)

test('the demo runs two jobs and a rollout to their ends, shows the outcome of every device and leaves nothing', async () => {
  const { code, said, complained } = await run(['--devices', '200'])
  expect({ code, complained }).toEqual({ code: 0, complained: '' })
  // Of the ten devices of the floor one is silent and one stays away; one refuses.
  expect(said).toMatch(/reboot-building-43-floor-3 +partially failed +10 +7 +1 +2 +0 /)
  expect(said).toMatch(/interval-of-old-pumps +succeeded +(\d+) +\1 +0 +0 +0 /)
  expect(said).toMatch(/409 +1 device /)
  expect(said).toContain('JobRunPreconditionFailed: 1 device')
  expect(said).toContain('GatewayTimeout: 1 device')
  expect(said).toContain('9 calls of "reboot" received, no device received it twice')
  // Of the four devices of the canary wave, at least the first one refuses.
  expect(said).toContain('previewed it: 200 devices, 200 connected, in waves of 4 and 196, at least ')
  expect(said).toMatch(/paused by the gate of its canary wave\. 0 of 4 devices of wave 1 succeeded, [1-4] did not\./)
  expect(said).toMatch(/these calls have ended and no other was sent: 19[6-9] devices wait/)
  expect(said).toContain('{"reason":"the checksum of the image is wrong"}')
  expect(said).toMatch(/called those that refused again, by another job: [1-4] succeeded, 0 refused/)
  expect(said).toContain('“You have scheduled job "firmware-2-2-0". Somebody else has to approve it.”')
  expect(said).toMatch(/firmware-2-2-0 has ended: 19[6-9] succeeded, [1-4] refused/)
  expect(said).toMatch(/20[1-4] calls of "installFirmware" received, [1-4] of these by the other job/)
  expect(said).toContain('at most 1 device of a floor at a time')
  expect(said).toMatch(/approved +by second-operator – it works on [1-4] devices?/)
  expect(readdirSync(folder)).toEqual([])
})

test('the demo interrupted half-way ends with 130 and leaves nothing', async () => {
  const { code, said } = await run(['--devices', '200'], 'registered 200 devices')
  expect(code).toBe(130)
  expect(said).toMatch(/Stopped and cleaned up\.\n$/)
  expect(readdirSync(folder)).toEqual([])
})
