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

test('the demo runs two jobs and a rollout to their ends, tells what came of every device and leaves nothing', async () => {
  const { code, said, complained } = await run(['--devices', '200'])
  expect({ code, complained }).toEqual({ code: 0, complained: '' })
  // Of the ten devices of the floor one is silent and one stays away; one refuses.
  expect(said).toMatch(/reboot-building-43-floor-3 +partially failed +10 +7 +1 +2 +0 /)
  expect(said).toMatch(/interval-of-old-pumps +succeeded +(\d+) +\1 +0 +0 +0 /)
  expect(said).toMatch(/409 +1 device /)
  expect(said).toContain('JobRunPreconditionFailed: 1 device')
  expect(said).toContain('GatewayTimeout: 1 device')
  expect(said).toContain('9 calls of "reboot" received, no device received it twice')
  // Of the 50 devices of the building, every twelfth refuses.
  expect(said).toContain('previewed it: 50 devices, 50 connected, at least ')
  expect(said).toMatch(/paused by its abort rule\. \d+ of \d+ devices failed or refused: at least 5 %\./)
  expect(said).toMatch(/these calls have ended and no other was sent: \d+ devices wait/)
  expect(said).toContain('{"reason":"the battery is low"}')
  expect(said).toMatch(/firmware-building-44 has ended: \d+ succeeded, [1-4] refused/)
  expect(said).toMatch(/retried those that refused: [1-4] succeeded, 0 refused/)
  expect(said).toMatch(/resumed +by \w+ – the batteries are charged/)
  expect(readdirSync(folder)).toEqual([])
})

test('the demo interrupted half-way ends with 130 and leaves nothing', async () => {
  const { code, said } = await run(['--devices', '200'], 'registered 200 devices')
  expect(code).toBe(130)
  expect(said).toMatch(/Stopped and cleaned up\.\n$/)
  expect(readdirSync(folder)).toEqual([])
})
