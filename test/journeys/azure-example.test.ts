import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runProgram } from './run-program.ts'

// The example on the compiled hub, as `npm run example` runs it: its programs use the published SDKs only.
const example = resolve(import.meta.dirname, '../../examples/azure-sdk/run.js')

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'twincast-journey-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const run = (until?: string) => runProgram(folder, [example], until)

/** What one of the two programs said, which speak at the same time. */
const linesOf = (program: string, said: string): string[] =>
  said
    .split('\n')
    .filter((line) => line.startsWith(`[${program}] `))
    .map((line) => line.slice(program.length + 3).trim())

test('back end and device of the example carry out a method job and a twin job by the SDKs alone', async () => {
  const { code, said, complained } = await run()
  expect({ code, complained }).toEqual({ code: 0, complained: '' })
  expect(linesOf('device', said)).toEqual([
    'connected',
    'lockDoor was called with {"reason":"night"}',
    'telemetryInterval is to be 120',
  ])
  const ended = ['completed', '1 of 1 succeeded, 0 failed']
  // How often it had to ask until a job had ended is not ours to say.
  expect(linesOf('back-end', said).filter((line) => !/^(queued|running)$/.test(line))).toEqual([
    expect.stringMatching(/^method job lock-/),
    ...ended,
    'front-door completed {"deviceMethodResponse":{"status":200,"payload":{"locked":true,"reason":"night"}}}',
    expect.stringMatching(/^twin job twin-/),
    ...ended,
    'front-door completed {}',
    'front-door has reported that it does so',
  ])
  expect(readdirSync(folder)).toEqual([])
})

test('the example interrupted half-way ends with 130 and leaves nothing', async () => {
  const { code, complained } = await run('[back-end] method job')
  expect({ code, complained }).toEqual({ code: 130, complained: '' })
  expect(readdirSync(folder)).toEqual([])
})
