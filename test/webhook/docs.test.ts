import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Signed, secretOf, signaturesOf } from '../../src/webhook/secret.ts'
import { freePorts } from '../support/ports.ts'

// The receiver that docs/webhooks.md shows, as it is.

const secret = secretOf(Buffer.alloc(32, 5))
let folder: string
let url: string
let receiver: ReturnType<typeof spawn>
const lines: string[] = []
beforeAll(async () => {
  const page = await readFile(resolve(import.meta.dirname, '../../docs/webhooks.md'), 'utf8')
  const [, code = ''] = /^```js\n([\s\S]*?)^```$/m.exec(page) ?? []
  folder = await mkdtemp(join(tmpdir(), 'twincast-receiver-'))
  await writeFile(join(folder, 'receiver.mjs'), code)
  const [port = 0] = await freePorts(1)
  const { PATH } = process.env
  receiver = spawn(process.execPath, [join(folder, 'receiver.mjs')], {
    env: { PATH, WEBHOOK_SECRET: secret, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (receiver.stdout === null) throw new Error('The receiver has no output.')
  createInterface({ input: receiver.stdout }).on('line', (line) => lines.push(line))
  url = `http://127.0.0.1:${port}`
  // It listens when it answers. When it has ended, it never will.
  while (receiver.exitCode === null && !(await fetch(url).then(Boolean, () => false)));
})
afterAll(async () => {
  receiver.kill()
  if (receiver.exitCode === null && receiver.signalCode === null) await once(receiver, 'exit')
  await rm(folder, { recursive: true })
})

const now = (): number => Math.floor(Date.now() / 1000)
const message = (id: string, timestamp = now()): Signed => ({
  id,
  timestamp,
  body: JSON.stringify({ type: 'job.ended', data: { jobId: `job-${id}` } }),
})

async function send({ id, timestamp, body }: Signed, signature: string): Promise<number> {
  const headers = { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': signature }
  return (await fetch(url, { method: 'POST', headers, body })).status
}

test('the documented receiver accepts what the hub signs, and handles each message once', async () => {
  const first = message('one')
  expect(await send(first, signaturesOf([secret], first))).toBe(204)
  const again = message('one')
  expect(await send(again, signaturesOf([secretOf(Buffer.alloc(32, 6)), secret], again))).toBe(204)
  const second = message('two')
  expect(await send(second, signaturesOf([secret], second))).toBe(204)
  while (lines.length < 2) await new Promise((done) => setImmediate(done))
  expect(lines).toEqual(['job.ended job-one', 'job.ended job-two'])
})

test('it refuses messages that are forged, changed or old', async () => {
  const genuine = message('three')
  const signature = signaturesOf([secret], genuine)
  expect(await send(genuine, signaturesOf([secretOf(Buffer.alloc(32, 7))], genuine))).toBe(401)
  expect(await send({ ...genuine, body: `${genuine.body} ` }, signature)).toBe(401)
  expect(await send({ ...genuine, id: 'four' }, signature)).toBe(401)
  expect(await send(genuine, 'v1,')).toBe(401)
  const old = message('five', now() - 600)
  expect(await send(old, signaturesOf([secret], old))).toBe(401)
})
