import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { signSasToken } from '../../src/access/sas.ts'
import type { Behaviour } from '../../src/simulator/behaviour.ts'
import { createFleet, type Fleet } from '../../src/simulator/fleet.ts'
import { WatchStatistics } from '../journeys/operations.ts'
import { connectClient } from '../mqtt/door.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { registerFleet } from '../support/fleet.ts'
import { runHere } from '../support/run-here.ts'
import { twincast } from '../support/twincast.ts'

// The commands of `twincast` that are clients of a hub, as a user calls them. Most of them run in this process, so that the suite
// is fast. Those that are stopped, read standard input or end with the process have one of their own.

/** The devices of a job whose devices all succeed, do so in part, or all refuse. */
const behaviours: Readonly<Record<string, readonly Behaviour[]>> = {
  good: [{ kind: 'answer' }, { kind: 'answer' }],
  mixed: [{ kind: 'answer' }, { kind: 'refuse', status: 503 }],
  bad: [{ kind: 'refuse', status: 503 }],
}

let app: TestApp
let folder = ''
const fleets: Fleet[] = []

beforeAll(async () => {
  app = await startApp()
  folder = await mkdtemp(join(tmpdir(), 'twincast-session-'))
  for (const [name, each] of Object.entries(behaviours)) {
    const devices = await registerFleet(app.client, name, each.length, (index) => each[index] ?? { kind: 'answer' })
    const fleet = createFleet({ host: '127.0.0.1', port: app.mqttPort, hubName: 'localhost', devices })
    fleets.push(fleet)
    await fleet.connect()
  }
})
afterAll(async () => {
  for (const fleet of fleets) await fleet.close()
  await app.close()
  await rm(folder, { recursive: true })
})

/** Starts a command. The hub is in this process, so the command must not block it. */
const start = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  spawn(process.execPath, [twincast, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, TWINCAST_URL: app.addresses.http ?? '', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })

/** Runs a command to its end in this process. */
const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runHere(args, { TWINCAST_URL: app.addresses.http ?? '', ...env })

/** Runs a command to its end in a process of its own. */
async function runApart(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = start(args, env)
  child.stdin.end()
  const [stdout, stderr, status] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((ended) => child.once('close', ended)),
  ])
  return { status, stdout, stderr }
}

const rowsIn = (lines: string): unknown[] =>
  lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

async function fileOf(name: string, content: string): Promise<string> {
  const file = join(folder, name)
  await writeFile(file, content)
  return file
}

test('an import names the lines that fail by number, imports the others and can be repeated', async () => {
  const file = await fileOf(
    'pumps.jsonl',
    [
      '{"deviceId": "pump-1", "tags": {"site": "north"}, "desired": {"interval": 5}}',
      '{"deviceId": "pump-2", "tags": {"site": "north"}}',
      'not JSON',
      '{"deviceId": "pump 4"}',
      '{"deviceId": "pump-5", "tag": {}}',
    ].join('\n'),
  )
  const first = await run(['devices', 'import', file])
  expect(first.status).toBe(3)
  expect(first.stderr).toContain('line 3: This is not JSON.')
  expect(first.stderr).toContain('line 4: ')
  expect(first.stderr).toContain('line 5: The member "tag" is unknown.')
  expect(first.stderr).toContain('Imported: 2 created, 3 failed.')
  const again = await run(['devices', 'import', file])
  expect(again.stderr).toContain('Imported: 0 created, 2 skipped because they exist, 3 failed.')
})

test('an import that is stopped says from which line it goes on, and creates only the others from there', async () => {
  const lines = Array.from({ length: 510 }, (_, index) => `{"deviceId": "valve-${index + 1}"}\n`)
  await run(['devices', 'import', await fileOf('first.jsonl', lines[0] ?? '')])
  const file = await fileOf('valves.jsonl', lines.join(''))

  const stopped = start(['devices', 'import', '-', '--if-exists', 'fail'])
  const said = { text: '' }
  stopped.stderr.setEncoding('utf8').on('data', (part) => {
    said.text += part
    // The first of the 500 lines that were sent has its result. The others wait for lines that do not come.
    if (said.text.includes('line 1: ')) stopped.kill('SIGINT')
  })
  stopped.stdin.write(lines.slice(0, 505).join(''))
  const status = await new Promise<number | null>((ended) => stopped.once('close', ended))
  expect({ status, said: said.text }).toEqual({
    status: 130,
    said: expect.stringContaining('All lines before 501 are done; --from-line 501 goes on there.'),
  })

  const rest = await run(['devices', 'import', file, '--if-exists', 'fail', '--from-line', '501'])
  expect(rest).toMatchObject({ status: 0, stderr: expect.stringContaining('Imported: 10 created.') })
})

test('a dry run checks the lines and creates nothing', async () => {
  const file = await fileOf('dry.jsonl', '{"deviceId": "dry-1"}\n')
  expect(await run(['devices', 'import', file, '--dry-run'])).toMatchObject({ status: 0 })
  expect((await run(['devices', 'show', 'dry-1'])).status).toBe(1)
})

test('an export is in the form that the import reads, as JSON lines and as CSV', async () => {
  const lines = await run(['devices', 'export', '--where', "tags.site = 'north'"])
  expect(lines.status).toBe(0)
  expect(rowsIn(lines.stdout)).toEqual([
    { deviceId: 'pump-1', tags: { site: 'north' }, desired: { interval: 5 } },
    { deviceId: 'pump-2', tags: { site: 'north' }, desired: {} },
  ])
  const csv = await run(['devices', 'export', '--where', "tags.site = 'north'", '--format', 'csv'])
  const file = await fileOf('pumps.csv', csv.stdout.replaceAll('north', 'south'))
  const imported = await run(['devices', 'import', file, '--if-exists', 'update'])
  expect(imported.stderr).toContain('Imported: 0 created, 2 updated.')
  const moved = await run(['devices', 'list', '--where', "tags.site = 'south'", '--format', 'jsonl'])
  expect(rowsIn(moved.stdout)).toMatchObject([{ deviceId: 'pump-1' }, { deviceId: 'pump-2' }])
})

test('a twin is patched and shown', async () => {
  expect(await run(['twins', 'patch', 'pump-1', '--desired', '{"interval": 9}'])).toMatchObject({ status: 0 })
  const { stdout } = await run(['twins', 'show', 'pump-1', '--format', 'json'])
  expect(stdout).toMatch(/"interval": ?9/)
})

test('a number that the hub cannot store is refused, and not rounded or taken for null', async () => {
  const big = '12345678901234567890'
  const file = await fileOf(
    'big.jsonl',
    `{"deviceId": "big-1", "desired": {"serial": ${big}}}\n{"deviceId": "big-2"}\n`,
  )
  const imported = await run(['devices', 'import', file])
  expect(imported.status).toBe(3)
  expect(imported.stderr).toContain(`line 1: The number ${big} is not one that the hub can store`)
  const patched = await run(['twins', 'patch', 'pump-1', '--desired', '{"interval": 1e999}'])
  expect(patched.status).toBe(2)
  expect(patched.stderr).toContain('The number 1e999 is not one that the hub can store')
  expect((await run(['twins', 'show', 'pump-1', '--format', 'json'])).stdout).toMatch(/"interval": ?9/)
  const job = await fileOf('big.yaml', `jobId: big\nqueryCondition: "*"\nupdateTwin: { tags: { serial: ${big} } }\n`)
  expect(await run(['apply', '-f', job])).toMatchObject({ status: 2, stderr: expect.stringContaining(big) })
})

test('an answer of a device is printed with the digits that the device sent', async () => {
  const [device] = await registerFleet(app.client, 'exact', 1, () => ({ kind: 'answer' }))
  const resource = encodeURIComponent('localhost/devices/exact-0')
  const expiry = Math.floor(Date.now() / 1000) + 3_600
  const client = await connectClient(app.mqttPort, 'exact-0', {
    username: 'localhost/exact-0/?api-version=2021-04-12',
    password: signSasToken({ resource, key: device?.primaryKey ?? '', expiry }),
  })
  client.on('message', (topic) => {
    client.publish(topic.replace(/POST\/[^/]*/, 'res/200'), '{"serial": 12345678901234567890}')
  })
  await client.subscribeAsync('$iothub/methods/POST/#')
  const { stdout } = await run(['devices', 'call', 'exact-0', 'serial', '--format', 'jsonl'])
  expect(stdout).toBe('{"status":200,"payload":{"serial":12345678901234567890}}\n')
  await client.endAsync()
})

test.each([
  ['good', 0, 'SUCCEEDED'],
  ['mixed', 3, 'PARTIALLY_FAILED'],
  ['bad', 4, 'FAILED'],
])('a watched job on the %s fleet ends with %i', async (fleet, code, outcome) => {
  const { status, stdout, stderr } = await runApart([
    ...['jobs', 'schedule', 'method', 'reboot', '--where', `tags.fleet = '${fleet}'`],
    ...['--id', `job-${fleet}`, '--max-time', '60', '--watch'],
  ])
  expect({ status, stderr }).toMatchObject({ status: code })
  expect(rowsIn(stdout)).toMatchObject([{ jobId: `job-${fleet}`, outcome }])
})

test('the results of a job have a row per device', async () => {
  const { stdout } = await run(['jobs', 'results', 'job-mixed', '--format', 'csv'])
  const [head = '', ...rows] = stdout.trim().split('\n')
  expect(head.split(',').slice(0, 3)).toEqual(['deviceId', 'result', 'responseStatus'])
  expect(rows.map((row) => row.split(',').slice(0, 3)).sort()).toEqual([
    ['mixed-0', 'SUCCEEDED', '200'],
    ['mixed-1', 'REFUSED', '503'],
  ])
})

test('a twin update that is repeated skips the devices that are up to date', async () => {
  const job = ['jobs', 'schedule', 'twin', '--where', "deviceId = 'mixed-0'", '--tags', '{"round": 1}']
  expect(await run([...job, '--id', 'round', '--watch'])).toMatchObject({ status: 0 })
  const { status, stdout } = await run([...job, '--id', 'round-again', '--skip-compliant', '--watch'])
  expect(status).toBe(0)
  expect(rowsIn(stdout)).toMatchObject([{ outcome: 'SUCCEEDED', succeededCount: 1, skippedCount: 1 }])
  const results = await run(['jobs', 'results', 'round-again', '--format', 'json'])
  expect(JSON.parse(results.stdout)).toMatchObject([{ deviceId: 'mixed-0', result: 'SUCCEEDED', skipped: true }])
  const other = await run([...job, '--id', 'round-again', '--if-absent'])
  expect(other).toMatchObject({ status: 5, stderr: expect.stringContaining('It differs in skipCompliant.') })
})

test('a retry repeats a job on the devices that refused', async () => {
  const { status, stdout } = await run(['jobs', 'retry', 'job-mixed', '--id', 'again', '--watch'])
  expect(status).toBe(4)
  expect(rowsIn(stdout)).toMatchObject([{ jobId: 'again', deviceCount: 1, refusedCount: 1 }])
})

test('a scheduled job is cancelled', async () => {
  const job = ['jobs', 'schedule', 'twin', '--where', '*', '--tags', '{"a": 1}', '--id', 'later', '--at']
  expect(await run([...job, new Date(Date.now() + 3_600_000).toISOString()])).toMatchObject({ status: 0 })
  expect(await run(['jobs', 'cancel', 'later'])).toMatchObject({ status: 0 })
  const { stdout } = await run(['jobs', 'show', 'later', '--format', 'json'])
  expect(JSON.parse(stdout)).toMatchObject({ status: 'CANCELLED' })
})

test('a job with labels is found by them, paused and resumed', async () => {
  const job = ['jobs', 'schedule', 'twin', '--where', '*', '--tags', '{"a": 1}', '--id', 'named', '--name', 'Night']
  const labelled = [...job, '--description', 'See OPS-7.', '--label', 'team=north', '--label', 'ticket=OPS-7', '--at']
  const at = new Date(Date.now() + 3_600_000).toISOString()
  expect(await run([...labelled, at])).toMatchObject({ status: 0 })
  expect(await run([...labelled, at, '--if-absent'])).toMatchObject({ status: 0 })
  const other = await run([...job, '--label', 'team=south', '--at', at, '--if-absent'])
  expect(other).toMatchObject({ status: 5, stderr: expect.stringContaining('differs in description, labels.') })

  const paused = await run(['jobs', 'pause', 'named', '--reason', 'frost', '--format', 'jsonl'])
  expect(rowsIn(paused.stdout)).toEqual([{ jobId: 'named', callsInProgress: 0 }])
  const list = async (...options: string[]) => rowsIn((await run(['jobs', 'list', ...options])).stdout)
  const found = [{ jobId: 'named', name: 'Night', status: 'PAUSED' }]
  expect(await list('--label', 'team=north', '--label', 'ticket', '--status', 'PAUSED')).toMatchObject(found)
  expect(await list('--label', 'team=south')).toEqual([])
  const shown = await run(['jobs', 'show', 'named', '--format', 'json'])
  expect(JSON.parse(shown.stdout)).toMatchObject({
    description: 'See OPS-7.',
    labels: [{ name: 'team' }, { name: 'ticket' }],
  })

  const changed = await run([
    'jobs',
    'update',
    'named',
    '--name',
    'Day',
    '--label',
    'team=south',
    '--max-per-minute',
    '30',
    '--format',
    'jsonl',
  ])
  const deadlineIn = (stdout: string): number => Date.parse(Object(rowsIn(stdout)[0]).deadline)
  expect((await list('--label', 'team=south'))[0]).toMatchObject({ jobId: 'named', name: 'Day' })
  const extended = await run(['jobs', 'extend', 'named', '--by', '60', '--format', 'jsonl'])
  expect(deadlineIn(extended.stdout) - deadlineIn(changed.stdout)).toBe(60_000)
  const limits = await run(['jobs', 'show', 'named', '--format', 'json'])
  expect(JSON.parse(limits.stdout)).toMatchObject({ rollout: { maxPerMinute: 30 } })
  expect(await run(['jobs', 'update', 'named'])).toMatchObject({ status: 2 })
  expect(await run(['jobs', 'resume', 'named'])).toMatchObject({ status: 0 })
  const again = await run(['jobs', 'resume', 'named'])
  expect(again).toMatchObject({ status: 1, stderr: expect.stringContaining("'Scheduled'") })
  await run(['jobs', 'cancel', 'named'])
  expect(await list('--label', 'team=south', '--outcome', 'CANCELLED,failed')).toMatchObject([{ jobId: 'named' }])
  expect(await list('--label', 'team=south', '--outcome', 'SUCCEEDED')).toEqual([])
})

test('a device group is saved, listed with its devices, used in a condition and deleted', async () => {
  const save = await run([
    'groups',
    'save',
    'good-ones',
    '--where',
    "tags.fleet = 'good'",
    '--description',
    'Good ones',
  ])
  expect(rowsIn(save.stdout)).toEqual([{ name: 'good-ones', etag: expect.any(String) }])
  expect(rowsIn((await run(['groups', 'list'])).stdout)).toMatchObject([
    { name: 'good-ones', devices: 2, queryCondition: "tags.fleet = 'good'", description: 'Good ones' },
  ])
  const preview = await run(['jobs', 'preview', '--where', "group('good-ones')"])
  expect(rowsIn(preview.stdout)).toMatchObject([{ devices: 2 }])
  const stale = await run(['groups', 'delete', 'good-ones', '--if-match', 'AAAAAAAAAAo='])
  expect(stale).toMatchObject({ status: 1, stderr: expect.stringContaining('its etag is no longer AAAAAAAAAAo=') })
  expect(await run(['groups', 'delete', 'good-ones'])).toMatchObject({ status: 0, stderr: '' })
  expect((await run(['groups', 'list'])).stdout).toBe('')
})

test('a job with --approval waits for it, is not approved by who scheduled it, and ends when it is rejected', async () => {
  const job = ['jobs', 'schedule', 'method', 'reboot', '--where', '*', '--id', 'checked', '--if-absent']
  expect(await run([...job, '--approval'])).toMatchObject({ status: 0 })
  expect(await run([...job, '--approval'])).toMatchObject({ status: 0 })
  expect(await run(job)).toMatchObject({ status: 5, stderr: expect.stringContaining('differs in rollout.') })
  const listed = await run(['jobs', 'list', '--status', 'WAITING_FOR_APPROVAL'])
  expect(rowsIn(listed.stdout)).toMatchObject([{ jobId: 'checked' }])
  expect(await run(['jobs', 'approve', 'checked'])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('Somebody else has to approve it.'),
  })
  for (const decision of ['approve', 'reject']) {
    expect(await run(['jobs', decision, 'checked', '--wave', '2'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('Wave 2 of job "checked" does not wait for an approval.'),
    })
  }
  const rejected = await run(['jobs', 'reject', 'checked', '--reason', 'too early', '--format', 'jsonl'])
  expect(rowsIn(rejected.stdout)).toEqual([{ jobId: 'checked', status: 'CANCELLED' }])

  const later = new Date(Date.now() + 3_600_000).toISOString()
  await run([
    'jobs',
    'schedule',
    'twin',
    '--where',
    '*',
    '--tags',
    '{"a": 1}',
    '--id',
    'good',
    '--approval',
    '--at',
    later,
  ])
  const approved = await run(['jobs', 'approve', 'good', '--format', 'jsonl'], { TWINCAST_TOKEN: app.ownerToken })
  expect(rowsIn(approved.stdout)).toEqual([{ jobId: 'good', status: 'SCHEDULED' }])
  await run(['jobs', 'cancel', 'good'])
})

test('devices are taken out of a job that has started: one by its ID, others by a condition', async () => {
  const devices = ['valve-1', 'valve-2', 'valve-3']
  const condition = `deviceId IN [${devices.map((id) => `'${id}'`).join(', ')}]`
  await run(['jobs', 'schedule', 'method', 'reboot', '--where', condition, '--id', 'reduced'])
  for await (const { deviceJobStatistics } of app.client.subscribe(WatchStatistics, { jobId: 'reduced' })) {
    if (deviceJobStatistics.deviceJobStatistics?.pendingCount === 3) break
  }
  const cancel = (...options: string[]) => run(['jobs', 'cancel-devices', 'reduced', '--format', 'json', ...options])
  for (const wrong of [[], ['--device', 'valve-1', '--where', '*']]) {
    expect(await cancel(...wrong)).toMatchObject({ status: 2, stderr: expect.stringContaining('--device or --where') })
  }
  const one = await cancel('--device', 'valve-1', '--reason', 'on loan')
  expect(JSON.parse(one.stdout)).toEqual({ jobId: 'reduced', cancelledCount: 1, callsInProgress: 0 })
  const again = await cancel('--device', 'valve-1')
  expect(again).toMatchObject({ status: 1, stderr: expect.stringContaining('has ended') })
  const others = await cancel('--where', "deviceId IN ['valve-1', 'valve-2']")
  expect(JSON.parse(others.stdout)).toMatchObject({ cancelledCount: 1 })
  await run(['jobs', 'cancel', 'reduced'])
})

test('a template is made of a job file, and a job is scheduled from it', async () => {
  const file = await fileOf(
    'template.yaml',
    ['jobId: restart-good', "queryCondition: tags.fleet = 'bad'", 'cloudToDeviceMethod: { methodName: reboot }'].join(
      '\n',
    ),
  )
  const created = await run(['templates', 'create', '-f', file])
  expect(rowsIn(created.stdout)).toEqual([{ templateId: 'restart-good', result: 'created', etag: expect.any(String) }])
  expect(rowsIn((await run(['templates', 'list'])).stdout)).toMatchObject([
    { templateId: 'restart-good', type: 'SCHEDULE_DEVICE_METHOD', rollout: null },
  ])
  const good = ['--where', "tags.fleet = 'good'", '--id', 'from-template']
  const scheduled = await run(['jobs', 'schedule', 'template', 'restart-good', ...good, '--watch'])
  expect(scheduled.status).toBe(0)
  expect(rowsIn(scheduled.stdout)).toMatchObject([{ jobId: 'from-template', outcome: 'SUCCEEDED' }])
  expect(await run(['jobs', 'schedule', 'template', 'restart-good', ...good])).toMatchObject({ status: 5 })
  const timed = await fileOf(
    'timed.yaml',
    'jobId: a\nqueryCondition: "*"\nstartTime: 2030-01-01T00:00:00Z\nupdateTwin: { tags: { a: 1 } }',
  )
  expect(await run(['templates', 'create', '-f', timed])).toMatchObject({ status: 2 })
  expect(await run(['templates', 'delete', 'restart-good'])).toMatchObject({ status: 0, stderr: '' })
})

test('a file of templates that failed in the middle can be finished, and its templates can be updated', async () => {
  const templates = (method: string, condition: string) =>
    fileOf(
      'several.yaml',
      `jobId: several-1
queryCondition: "*"
name: First
cloudToDeviceMethod: { methodName: ${method} }
---
jobId: several-2
queryCondition: ${condition}
cloudToDeviceMethod: { methodName: ${method} }
`,
    )
  const create = async (file: string, ...options: string[]) => {
    const { status, stdout, stderr } = await run(['templates', 'create', '-f', file, '--format', 'json', ...options])
    return { status, rows: JSON.parse(stdout), stderr }
  }
  const [first, second] = ['several-1', 'several-2'].map((templateId) => ({ templateId }))
  expect(await create(await templates('reboot', 'tags.'))).toMatchObject({
    status: 1,
    rows: [{ ...first, result: 'created', etag: expect.any(String) }],
  })
  const refused = await fileOf(
    'refused.yaml',
    'jobId: several-3\nqueryCondition: "*"\ncloudToDeviceMethod: { methodName: reboot }\nrollout: { abort: [{ on: [FAILED], percent: 300, action: PAUSE }] }',
  )
  expect((await create(refused)).stderr).toContain('refused.yaml: rollout.abort[0].percent: ')
  const file = await templates('reboot', '"*"')
  expect(await create(file)).toMatchObject({ status: 1, rows: [] })
  expect(await create(file, '--if-exists', 'skip')).toMatchObject({
    status: 0,
    rows: [
      { ...first, result: 'skipped' },
      { ...second, result: 'created' },
    ],
  })
  const changed = await fileOf(
    'changed.yaml',
    `jobId: several-1
queryCondition: "*"
updateTwin: { tags: { a: 1 } }
skipCompliant: true
targets: AT_CREATION
onOverlap: QUEUE
maxExecutionTimeInSeconds: 60
`,
  )
  expect(await create(changed, '--if-exists', 'update')).toMatchObject({ rows: [{ ...first, result: 'updated' }] })
  const list = async () =>
    rowsIn((await run(['templates', 'list'])).stdout).find((row) => Object(row).templateId === 'several-1')
  expect(await list()).toMatchObject({
    type: 'SCHEDULE_UPDATE_TWIN',
    name: null,
    maxExecutionTimeInSeconds: 60,
    targets: 'AT_CREATION',
    onOverlap: 'QUEUE',
    skipCompliant: true,
  })
  await create(file, '--if-exists', 'update')
  expect(await list()).toMatchObject({
    type: 'SCHEDULE_DEVICE_METHOD',
    maxExecutionTimeInSeconds: 3600,
    targets: 'AT_START',
    onOverlap: 'PARALLEL',
    skipCompliant: false,
  })
  for (const { templateId = '' } of [first ?? {}, second ?? {}]) await run(['templates', 'delete', templateId])
})

test('a job with --wave shows its waves, and open-wave opens the next one', async () => {
  const job = ['jobs', 'schedule', 'method', 'reboot', '--where', '*', '--id', 'waved', '--if-absent']
  const options = ['--wave', '1:succeeded>=95%,soak=600,cancel', '--wave', '25%', '--wave', '1:approval']
  expect(await run([...job, ...options])).toMatchObject({ status: 0 })
  expect(await run([...job, ...options])).toMatchObject({ status: 0 })
  expect(await run([...job, '--wave', '2'])).toMatchObject({ status: 5 })
  expect(await run([...job, '--wave', 'many'])).toMatchObject({ status: 2 })
  const show = async () => JSON.parse((await run(['jobs', 'show', 'waved', '--format', 'json'])).stdout)
  let shown = await show()
  while (shown.status !== 'RUNNING') shown = await show()
  expect(shown.waves).toMatchObject([
    { number: 1, devices: 1, gate: { succeededPercent: 95, soakSeconds: 600, onFailure: 'CANCEL' } },
    { number: 2, percent: 25, gate: null },
    { number: 3, devices: 1, gate: { approval: true } },
    { number: 4, devices: null, percent: null },
  ])
  const refused = await run(['jobs', 'open-wave', 'waved', '--wave', '4'])
  expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining('cannot be opened') })
  const opened = await run(['jobs', 'open-wave', 'waved', '--wave', '2', '--format', 'jsonl'])
  expect(rowsIn(opened.stdout)).toEqual([{ jobId: 'waved', wave: 2 }])
  await run(['jobs', 'cancel', 'waved'])
})

test('a job with --targets selects its devices before its start', async () => {
  const job = ['jobs', 'schedule', 'method', 'reboot', '--where', '*', '--id', 'early', '--if-absent']
  const at = ['--at', new Date(Date.now() + 86_400_000).toISOString()]
  expect(await run([...job, ...at, '--targets', 'AT_CREATION'])).toMatchObject({ status: 0 })
  expect(await run([...job, ...at, '--targets', 'AT_CREATION'])).toMatchObject({ status: 0 })
  expect(await run([...job, ...at])).toMatchObject({
    status: 5,
    stderr: expect.stringContaining('differs in targets.'),
  })
  expect(await run([...job, '--targets', 'LATER'])).toMatchObject({ status: 2 })
  const show = async () => JSON.parse((await run(['jobs', 'show', 'early', '--format', 'json'])).stdout)
  let shown = await show()
  while (shown.selectedTime === null) shown = await show()
  expect(shown).toMatchObject({ targets: 'AT_CREATION', status: 'SCHEDULED', startedTime: null })
  expect(shown.deviceCount).toBeGreaterThan(0)
  await run(['jobs', 'cancel', 'early'])
})

test('a job with --on-overlap waits for another one, which it shows, or is refused because of it', async () => {
  const job = ['jobs', 'schedule', 'method', 'reboot', '--where', "deviceId = 'pump-1'"]
  await run([...job, '--id', 'in-the-way'])
  const shown = async (id: string) => JSON.parse((await run(['jobs', 'show', id, '--format', 'json'])).stdout)
  const show = () => shown('behind')
  // On a busy machine, the other job could start first.
  await expect.poll(() => shown('in-the-way')).toMatchObject({ status: 'RUNNING' })
  expect(await run([...job, '--id', 'behind', '--on-overlap', 'QUEUE'])).toMatchObject({ status: 0 })
  const waitsFor = ['The job waits for job "in-the-way", which has some of the same devices.']
  await expect.poll(show).toMatchObject({ status: 'QUEUED', onOverlap: 'QUEUE', waitsFor })
  expect(await run([...job, '--on-overlap', 'REFUSE'])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('"in-the-way"'),
  })
  for (const id of ['behind', 'in-the-way']) await run(['jobs', 'cancel', id])
})

test('a schedule is created, listed, paused, resumed and deleted', async () => {
  const file = await fileOf('weekly.yaml', 'jobId: weekly\nqueryCondition: "*"\nupdateTwin: { tags: { week: 1 } }')
  await run(['templates', 'create', '-f', file])
  const times = ['--cron', '0 3 * * SUN', '--time-zone', 'Europe/Berlin']
  const created = await run([
    'schedules',
    'create',
    'sundays',
    '--template',
    'weekly',
    ...times,
    '--missed',
    'RUN_ONCE',
  ])
  expect(rowsIn(created.stdout)).toEqual([{ scheduleId: 'sundays', nextTime: expect.any(String) }])
  expect(await run(['schedules', 'pause', 'sundays'])).toMatchObject({ status: 0, stderr: '' })
  expect(rowsIn((await run(['schedules', 'list'])).stdout)).toMatchObject([
    { scheduleId: 'sundays', templateId: 'weekly', status: 'PAUSED', nextTime: null, lastOutcome: null },
  ])
  expect(await run(['schedules', 'resume', 'sundays'])).toMatchObject({ status: 0, stderr: '' })
  const update = (...options: string[]) => run(['schedules', 'update', 'sundays', ...options])
  const changed = await update('--cron', '0 4 * * *', '--end', '2100-01-01T00:00:00Z', '--overlap', 'QUEUE')
  const [row] = rowsIn(changed.stdout)
  expect(row).toEqual({ scheduleId: 'sundays', nextTime: expect.stringContaining('T0'), etag: expect.any(String) })
  expect(await update('--no-end', '--if-match', Object(row).etag)).toMatchObject({ status: 0, stderr: '' })
  expect(await update('--no-end', '--if-match', Object(row).etag)).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('has changed'),
  })
  expect(await update()).toMatchObject({ status: 2, stderr: expect.stringContaining('--no-end') })
  const wrong = await run([
    'schedules',
    'create',
    'never',
    '--template',
    'weekly',
    '--cron',
    '0 0 30 2 *',
    '--time-zone',
    'UTC',
  ])
  expect(wrong).toMatchObject({ status: 1, stderr: expect.stringContaining('never has a time') })
  expect(await run(['schedules', 'delete', 'sundays'])).toMatchObject({ status: 0, stderr: '' })
})

test('a job with a budget shows it, and only its maximum can change', async () => {
  const at = new Date(Date.now() + 3_600_000).toISOString()
  const job = ['jobs', 'schedule', 'method', 'reboot', '--where', '*', '--id', 'budgeted', '--if-absent', '--at', at]
  expect(await run([...job, '--budget', 'tags.[[site = 1]]=2'])).toMatchObject({ status: 0 })
  expect(await run([...job, '--budget', 'tags.[[site = 1]]=2'])).toMatchObject({ status: 0 })
  expect(await run([...job, '--budget', 'tags.site=2'])).toMatchObject({
    status: 5,
    stderr: expect.stringContaining('differs in rollout'),
  })
  const budget = (value: string): Promise<string> =>
    fileOf(
      'budget.yaml',
      `jobId: budgeted
queryCondition: "*"
startTime: ${at}
cloudToDeviceMethod: { methodName: reboot }
rollout: { budget: ${value} }
`,
    )
  const filed = await run(['apply', '-f', await budget('{ groupBy: "tags.[[site = 1]]", maxConcurrent: 2 }')])
  expect(filed).toMatchObject({ status: 0, stderr: 'The job budgeted exists already, with the same definition.\n' })
  expect(await run(['apply', '-f', await budget('{ groupBy: tags.site }')])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('a budget needs groupBy and maxConcurrent.'),
  })
  const shown = async () => JSON.parse((await run(['jobs', 'show', 'budgeted', '--format', 'json'])).stdout).rollout
  expect((await shown()).budget).toEqual({ groupBy: 'tags.[[site = 1]]', maxConcurrent: 2 })
  expect(await run(['jobs', 'update', 'budgeted', '--budget', '5'])).toMatchObject({ status: 0 })
  expect((await shown()).budget.maxConcurrent).toBe(5)
  expect(await run(['jobs', 'update', 'budgeted', '--budget', '0'])).toMatchObject({ status: 0 })
  expect(await shown()).toBeNull()
  expect(await run(['jobs', 'update', 'budgeted', '--budget', '1'])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('The job has no budget.'),
  })
  expect(await run([...job, '--budget', 'tags.site'])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('tags.site=1'),
  })
  await run(['jobs', 'cancel', 'budgeted'])
})

test('a job with a retry policy shows it, and is compared by it', async () => {
  const at = new Date(Date.now() + 3_600_000).toISOString()
  const job = ['jobs', 'schedule', 'method', 'report', '--where', '*', '--id', 'repeated', '--if-absent', '--at', at]
  const policy = [
    '--retry-on',
    'GatewayTimeout, 503',
    '--max-attempts',
    '4',
    '--backoff',
    '30',
    '--backoff-factor',
    '1.5',
  ]
  expect(await run([...job, ...policy])).toMatchObject({ status: 0 })
  expect(await run([...job, ...policy, '--max-backoff', '600'])).toMatchObject({
    status: 5,
    stderr: expect.stringContaining('differs in rollout'),
  })
  const filed = (retry: string): Promise<string> =>
    fileOf(
      'retry.yaml',
      `jobId: repeated
queryCondition: "*"
startTime: ${at}
cloudToDeviceMethod: { methodName: report }
rollout: { retry: ${retry} }
`,
    )
  const same = '{ maxAttempts: 4, on: [503, GatewayTimeout], backoffSeconds: 30, factor: 1.5 }'
  expect(await run(['apply', '-f', await filed(same)])).toMatchObject({
    status: 0,
    stderr: 'The job repeated exists already, with the same definition.\n',
  })
  expect(await run(['apply', '-f', await filed('{ maxAttempts: 4 }')])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('a retry policy needs maxAttempts and on.'),
  })
  const shown = JSON.parse((await run(['jobs', 'show', 'repeated', '--format', 'json'])).stdout)
  expect(shown.rollout.retry).toEqual({
    maxAttempts: 4,
    on: ['GatewayTimeout', '503'],
    backoffSeconds: 30,
    factor: 1.5,
    maxBackoffSeconds: 3_600,
  })
  expect(await run([...job, '--max-attempts', '3'])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('give --retry-on and --max-attempts'),
  })
  expect(await run([...job, '--retry-on', 'TwinTooLarge', '--max-attempts', '3'])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('A call is repeated after one of the codes GatewayTimeout'),
  })
  await run(['jobs', 'cancel', 'repeated'])
})

test('the preview of a continuous job knows that it lasts until its deadline', async () => {
  const preview = ['jobs', 'preview', '--where', '*', '--targets', 'CONTINUOUS', '--format', 'json']
  expect(JSON.parse((await run(preview)).stdout)).toMatchObject({ expectedDurationInSeconds: 3_600 })
  const refused = await run([...preview, '--wave', '1'])
  expect(refused.stderr).toContain('A continuous job has no waves')
})

test('a job with a time window shows it, and when it opens', async () => {
  const window = 'sat,SUN 22:00-06:00 Europe/Berlin'
  const at = new Date(Date.now() + 3_600_000).toISOString()
  const common = ['jobs', 'schedule', 'method', 'reboot', '--where', '*', '--max-time', '700000']
  const job = [...common, '--id', 'windowed', '--if-absent', '--at', at]
  expect(await run([...job, '--window', window])).toMatchObject({ status: 0 })
  expect(await run([...job, '--window', window])).toMatchObject({ status: 0 })
  expect(await run([...job, '--window', '22:00-06:00 Europe/Berlin'])).toMatchObject({
    status: 5,
    stderr: expect.stringContaining('differs in rollout'),
  })
  const filed = (days: string): Promise<string> =>
    fileOf(
      'window.yaml',
      `jobId: windowed
queryCondition: "*"
startTime: ${at}
maxExecutionTimeInSeconds: 700000
cloudToDeviceMethod: { methodName: reboot }
rollout: { window: { days: ${days}, from: "22:00", to: "06:00", timeZone: Europe/Berlin } }
`,
    )
  expect(await run(['apply', '-f', await filed('[SUNDAY, SATURDAY]')])).toMatchObject({
    status: 0,
    stderr: 'The job windowed exists already, with the same definition.\n',
  })
  expect(await run(['apply', '-f', await filed('[SOMEDAY]')])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('the days of a window are some of MONDAY, TUESDAY'),
  })
  const shown = JSON.parse((await run(['jobs', 'show', 'windowed', '--format', 'json'])).stdout)
  expect(shown).toMatchObject({
    rollout: {
      window: { days: ['SATURDAY', 'SUNDAY'], from: '22:00', to: '06:00', timeZone: 'Europe/Berlin' },
    },
    windows: [],
  })
  const preview = await run(['jobs', 'preview', '--where', '*', '--window', '00:00-23:59 UTC', '--format', 'json'])
  expect(JSON.parse(preview.stdout).openTimes).toHaveLength(3)
  for (const wrong of ['22:00-06:00', 'some 22:00-06:00 UTC', '22-6 UTC']) {
    expect(await run([...job, '--window', wrong])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('a time window such as'),
    })
  }
  await run(['jobs', 'cancel', 'windowed'])
})

test('a job with abort rules stops by itself, and shows what the rules counted', async () => {
  const job = ['jobs', 'schedule', 'method', 'reboot', '--where', '*', '--id', 'guarded', '--if-absent', '--at']
  const at = new Date(Date.now() + 3_600_000).toISOString()
  const rules = ['--abort', 'failed,refused>=2.5%@100:pause', '--abort', 'failed>=20%:cancel']
  expect(await run([...job, at, ...rules])).toMatchObject({ status: 0 })
  expect(await run([...job, at, ...rules])).toMatchObject({ status: 0 })
  const other = await run([...job, at, '--abort', 'failed>=21%:cancel'])
  expect(other).toMatchObject({ status: 5, stderr: expect.stringContaining('differs in rollout.') })
  const { stdout } = await run(['jobs', 'show', 'guarded', '--format', 'json'])
  const nothing = { errorCode: null, responseStatus: null, matchedCount: 0, endedCount: 0, hasActed: false }
  expect(JSON.parse(stdout).rollout.abort).toEqual([
    { on: ['FAILED', 'REFUSED'], percent: 2.5, afterDevices: 100, action: 'PAUSE', ...nothing },
    { on: ['FAILED'], percent: 20, afterDevices: 1, action: 'CANCEL', ...nothing },
  ])
  await run(['jobs', 'cancel', 'guarded'])
  const single = ['--abort', 'error=GatewayTimeout>=5%:pause', '--abort', 'status=503>=1%@9:cancel']
  const byCode = job.map((word) => (word === 'guarded' ? 'by-code' : word))
  expect(await run([...byCode, at, ...single])).toMatchObject({ status: 0 })
  expect(await run([...byCode, at, ...single])).toMatchObject({ status: 0 })
  const shown = JSON.parse((await run(['jobs', 'show', 'by-code', '--format', 'json'])).stdout)
  expect(shown.rollout.abort).toMatchObject([{ errorCode: 'GatewayTimeout' }, { responseStatus: 503 }])
  await run(['jobs', 'cancel', 'by-code'])
})

test('a file of jobs can be applied again, and another job with the same ID is refused', async () => {
  const job = (interval: number): string => `jobId: apply-1
queryCondition: tags.site = 'south'
name: Interval
targets: AT_CREATION
onOverlap: QUEUE
labels:
  - { name: team, value: south }
rollout:
  maxPerMinute: 600
  approval: true
  waves:
    - devices: 10
      gate: { succeededPercent: 95, onFailure: CANCEL }
    - queryCondition: tags.ring = 'early'
    - {}
  abort:
    - { on: [FAILED], percent: 5, action: PAUSE }
    - { responseStatus: 503, percent: 5, action: PAUSE }
updateTwin:
  properties:
    desired:
      interval: ${interval}
`
  const file = await fileOf('job.yaml', job(5))
  const first = await run(['apply', '-f', file])
  expect(first).toMatchObject({ status: 0, stderr: 'The job apply-1 is scheduled.\n' })
  expect(await run(['apply', '-f', file])).toMatchObject({
    status: 0,
    stderr: 'The job apply-1 exists already, with the same definition.\n',
  })
  await fileOf('job.yaml', job(6))
  expect(await run(['apply', '-f', file])).toMatchObject({
    status: 5,
    stderr: 'Another job has the ID apply-1. It differs in updateTwin.\n',
  })
})

test('a job whose conditions name device groups can be applied again until a group changes', async () => {
  const save = (name: string, condition: string) => run(['groups', 'save', name, '--where', condition])
  await save('south', "tags.site = 'south'")
  await save('early', "tags.ring = 'early'")
  const file = await fileOf(
    'grouped.yaml',
    `jobId: grouped
queryCondition: group('south') AND tags.floor = 3
rollout:
  waves:
    - queryCondition: group('early') OR group('south')
    - {}
updateTwin: { tags: { a: 1 } }
`,
  )
  expect(await run(['apply', '-f', file])).toMatchObject({ status: 0, stderr: 'The job grouped is scheduled.\n' })
  expect(await run(['apply', '-f', file])).toMatchObject({
    status: 0,
    stderr: 'The job grouped exists already, with the same definition.\n',
  })
  await save('south', "tags.site = 'north'")
  expect(await run(['apply', '-f', file])).toMatchObject({
    status: 5,
    stderr: 'Another job has the ID grouped. It differs in queryCondition, rollout.\n',
  })
})

const rule = '{ on: [FAILED], percent: 3, action: PAUSE }'
test.each([
  ['abort[0].percent', '{ abort: [{ on: [FAILED], percent: -0.01, action: PAUSE }] }'],
  ['abort[1].percent', `{ abort: [${rule}, { on: [REFUSED], percent: 100.01, action: PAUSE }] }`],
  ['waves[0].percent', '{ waves: [{ percent: 101 }, {}] }'],
  ['waves[0].gate.succeededPercent', '{ waves: [{ devices: 1, gate: { succeededPercent: 101 } }, {}] }'],
  ['waves', '{ waves: [] }'],
  ['waves[0].devices', '{ waves: [{ devices: 0 }, {}] }'],
  ['waves[1].percent', '{ waves: [{ percent: 60 }, { percent: 40 }, {}] }'],
  ['budget.groupBy', '{ budget: { groupBy: site, maxConcurrent: 1 } }'],
  ['window.to', '{ window: { from: "02:00", to: "02:04", timeZone: UTC } }'],
  ['window.timeZone', '{ window: { from: "02:00", to: "04:00", timeZone: Mars/Base } }'],
  ['maxPerMinute', '{ maxPerMinute: 0 }'],
  ['ramp.from', '{ maxPerMinute: 5, ramp: { from: 10, afterSucceeded: 5 } }'],
  ['retry.on[1]', '{ retry: { maxAttempts: 2, on: [503, NoSuchCode] } }'],
])('a job file names the place of a bad value and schedules nothing: %s in %s', async (path, rollout) => {
  const file = await fileOf(
    'bad.yaml',
    `jobId: refused
queryCondition: "*"
cloudToDeviceMethod: { methodName: reboot, responseTimeoutInSeconds: 300 }
rollout: ${rollout}
`,
  )
  const { status, stdout, stderr } = await run(['apply', '-f', file])
  expect({ status, stdout, stderr }).toEqual({
    status: 1,
    stdout: '',
    stderr: expect.stringContaining(`${file}: rollout.${path}: `),
  })
  expect((await run(['jobs', 'show', 'refused'])).status).toBe(1)
})

test('of several jobs in a file, a refusal names the document', async () => {
  const job = (jobId: string, more = ''): string => `jobId: ${jobId}
queryCondition: "*"
startTime: ${new Date(Date.now() + 3_600_000).toISOString()}
updateTwin: { tags: { a: 1 } }
${more}`
  const file = await fileOf(
    'two.yaml',
    `${job('first-of-two')}---\n${job('second-of-two', 'rollout: { maxPerMinute: 0 }')}`,
  )
  expect(await run(['apply', '-f', file])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining(`${file}, document 2: rollout.maxPerMinute: `),
  })
  expect((await run(['jobs', 'show', 'second-of-two'])).status).toBe(1)
  await run(['jobs', 'cancel', 'first-of-two'])
})

test('a job file with an unknown member schedules nothing', async () => {
  const file = await fileOf('wrong.yaml', 'jobId: wrong\nqueryCondition: "*"\nupdateTwins: {}\n')
  const { status, stderr } = await run(['apply', '-f', file])
  expect(status).toBe(2)
  expect(stderr).toContain('job has the unknown member updateTwins.')
  expect((await run(['jobs', 'show', 'wrong'])).status).toBe(1)
})

test('a statement is queried to its last row', async () => {
  const { stdout, stderr } = await run(
    ['query', "SELECT deviceId FROM devices WHERE tags.site = 'south'", '--format', 'jsonl'],
    { TWINCAST_TOKEN: app.ownerToken },
  )
  expect({ rows: rowsIn(stdout), stderr }).toEqual({
    rows: [{ deviceId: 'pump-1' }, { deviceId: 'pump-2' }],
    stderr: '',
  })
})

test('the audit is filtered by target and outcome, and has the columns of CSV', async () => {
  const env = { TWINCAST_TOKEN: app.ownerToken }
  const about = await run(['audit', '--target', 'pump-1', '--outcome', 'succeeded'], env)
  expect(about).toMatchObject({ status: 0, stderr: '' })
  const entries = rowsIn(about.stdout)
  expect(entries.length).toBeGreaterThan(0)
  expect(entries).toEqual(entries.map(() => expect.objectContaining({ target: 'pump-1', outcome: 'SUCCEEDED' })))
  const refused = await run(['audit', '--outcome', 'refused', '--format', 'csv'], env)
  const [head, ...rows] = refused.stdout.trim().split('\n')
  expect(head).toBe('id,time,actor,kind,issuer,subject,operation,target,address,outcome,code,detail')
  expect(rows.length).toBeGreaterThan(0)
  expect(rows.filter((row) => !row.includes(',REFUSED,'))).toEqual([])
})

test('a condition that does not parse is one sentence with its position', async () => {
  const { status, stderr } = await run(['devices', 'list', '--where', 'tags.site = '])
  expect(status).toBe(1)
  expect(stderr.trim().split('\n')).toHaveLength(1)
})

test('a hub that cannot be reached, and one that wants a token, are one sentence with what to do', async () => {
  expect((await runApart(['jobs', 'list'], { TWINCAST_URL: 'http://127.0.0.1:9' })).stderr).toMatch(
    /^No hub responds at http:\/\/127\.0\.0\.1:9.*--hub\.\n$/,
  )
  const wrong = await run(['jobs', 'list', '--token', 'SharedAccessSignature sr=x&sig=x&se=1&skn=x'])
  expect(wrong.status).toBe(1)
  expect(wrong.stderr).toContain('--key or --token')
})
