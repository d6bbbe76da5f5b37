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

test('the demo runs two jobs to their ends, tells what came of every device and leaves nothing', async () => {
  const { code, said, complained } = await run(['--devices', '200'])
  expect({ code, complained }).toEqual({ code: 0, complained: '' })
  // Of the ten devices of the floor one is silent and one stays away; one refuses.
  expect(said).toMatch(/reboot-building-43-floor-3 +partially failed +10 +7 +1 +2 +0 /)
  expect(said).toMatch(/interval-of-old-pumps +succeeded +(\d+) +\1 +0 +0 +0 /)
  expect(said).toMatch(/409 +1 device /)
  expect(said).toContain('JobRunPreconditionFailed: 1 device')
  expect(said).toContain('GatewayTimeout: 1 device')
  expect(said).toContain('9 calls of "reboot" received, no device received it twice')
  expect(readdirSync(folder)).toEqual([])
})

test('the demo interrupted half-way ends with 130 and leaves nothing', async () => {
  const { code, said } = await run(['--devices', '200'], 'registered 200 devices')
  expect(code).toBe(130)
  expect(said).toMatch(/Stopped and cleaned up\.\n$/)
  expect(readdirSync(folder)).toEqual([])
})
