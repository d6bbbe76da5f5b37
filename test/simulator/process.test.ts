import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startFleetProcess } from '../../src/simulator/child.ts'
import { serveFleet } from '../../src/simulator/process-commands.ts'
import { readLedger } from '../../src/simulator/received-calls.ts'
import { broker, device, hubName } from './setup.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
let folder: string
let entry: string

// Node before 22.18 runs no TypeScript: the process's entry is compiled first, as a build would.
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fleet-'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const options = '--ignoreConfig --noCheck --rewriteRelativeImportExtensions --module nodenext --target es2023'
  execFileSync(
    process.execPath,
    [compiler, ...options.split(' '), '--rootDir', root, '--outDir', folder, 'src/simulator/process.ts'],
    { cwd: root },
  )
  entry = join(folder, 'src/simulator/process.js')
})
afterAll(() => rmSync(folder, { recursive: true }))

const description = (port: number, deviceIds: readonly string[]) => ({
  host: '127.0.0.1',
  port,
  hubName,
  devices: deviceIds.map((deviceId) => device(deviceId)),
})

test('a fleet in a process of its own does all that one in this process does', async () => {
  const hub = await broker({ connack: (deviceId) => (deviceId === 'bad' ? 5 : 0) })
  const progress: string[] = []
  const ledgerFile = join(folder, 'ledger')
  const fleet = startFleetProcess(
    { ...description(hub.port, ['d1', 'd2', 'bad']), ledgerFile },
    { entry, onProgress: (connected, expected) => progress.push(`${connected}/${expected}`) },
  )
  await fleet.connect({ deviceIds: ['d1', 'd2'] })
  expect(progress).toStrictEqual(['1/2', '2/2'])
  await expect(fleet.connect({ deviceIds: ['bad'] })).rejects.toMatchObject({
    name: 'FleetProcessError',
    reason: 'ConnectRefusedError',
  })

  await fleet.answerWith('d2', { kind: 'refuse', status: 418 })
  hub.call('d1', 'm', 'a')
  hub.call('d2', 'm', 'b')
  await hub.until(() => hub.answers.length === 2)
  expect(Object.fromEntries(hub.answers.map(({ rid, status }) => [rid, status]))).toStrictEqual({ a: 200, b: 418 })
  const ledger = await fleet.ledger()
  expect(ledger.map(({ rid }) => rid).toSorted()).toStrictEqual(['a', 'b'])
  expect(readLedger(ledgerFile)).toStrictEqual(ledger.map(({ answeredTime: _, ...entry }) => entry))

  await fleet.report('d1', { battery: 80 })
  expect(hub.reported).toStrictEqual([{ deviceId: 'd1', patch: { battery: 80 } }])
  await fleet.drop(['d1'])
  await hub.until(() => hub.subscriptions() === 3)
  await fleet.connect({ deviceIds: ['d1'] })
  const stats = await fleet.stats()
  expect(stats).toMatchObject({ devices: 3, connected: 2, connections: 3, drops: 1, methodsAnswered: 2 })
  expect(stats.cpuMicros.user).toBeGreaterThan(0)
  expect(stats.residentBytes).toBeGreaterThan(1_000_000)

  await fleet.close()
  await hub.until(() => hub.clients.size === 0)
  await expect(fleet.stats()).rejects.toMatchObject({ reason: 'Exited' })
})

test('the process ends when its parent does, however that ends', async () => {
  const hub = await broker()
  const script = join(folder, 'parent.js')
  writeFileSync(join(folder, 'description.json'), JSON.stringify(description(hub.port, ['d1'])))
  writeFileSync(
    script,
    `import { spawn } from 'node:child_process'
     const child = spawn(process.execPath, [${JSON.stringify(entry)}, 'description.json'], { stdio: ['pipe', 'pipe', 'inherit'] })
     child.stdin.write('{"id":1,"command":"connect","options":{}}\\n')
     child.stdout.resume()`,
  )
  const parent = spawn(process.execPath, [script], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  parent.stderr.resume()
  await hub.until(() => hub.clients.has('d1'))
  parent.kill('SIGKILL')
  // The two share the standard error, which is closed when both have ended.
  await once(parent, 'close')
  await hub.until(() => hub.clients.size === 0)
  expect(parent.signalCode).toBe('SIGKILL')
})

test('a command that cannot be obeyed is answered with its error', async () => {
  const lines: string[] = []
  const input = new PassThrough()
  const served = serveFleet(input, (line) => lines.push(line), description(1, ['d1']))
  input.write('{"id":7,"command":"answerWith","deviceId":"nobody","answering":{"kind":"silent"}}\n\n')
  input.write('{"id":8,"command":"dance"}\n')
  input.end('{"id":9,"command":"close"}\n')
  await served
  const replies = lines.map((line) => JSON.parse(line))
  expect(replies.find(({ id }) => id === 7).error).toMatchObject({ name: 'RangeError' })
  expect(replies.find(({ id }) => id === 8).error.message).toContain('dance')
  expect(replies.find(({ id }) => id === 9)).toStrictEqual({ id: 9, result: null })
})
