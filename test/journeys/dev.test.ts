import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, utimes } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { freePorts } from '../support/ports.ts'

const root = resolve(import.meta.dirname, '../..')
let folder: string
let database: TestDatabase

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twincast-dev-'))
  database = await createTestDatabase()
})
afterAll(async () => {
  await database.drop()
  await rm(folder, { recursive: true, force: true })
})

/** `npm run dev` without npm, in a process group of its own, as in a terminal. */
function startDev(variables: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'dev/run.ts'], {
    cwd: root,
    env: { PATH: process.env.PATH, METRICS_PORT: '0', DATA_DIR: folder, DATABASE_URL: database.url, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const lines: string[] = []
  const found = new Map<(line: string) => boolean, () => void>()
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      for (const [isIt, resolve] of found) if (isIt(line)) resolve()
    })
  }
  const closed = once(child, 'close')
  return {
    lines,
    closed,
    /** Resolves with the next line that holds this; rejects with all lines when the program ends before. */
    says: (text: string) =>
      Promise.race([
        new Promise<void>((resolve) => void found.set((line) => line.includes(text), resolve)),
        closed.then(() => Promise.reject(new Error(lines.join('\n')))),
      ]),
    /** What a terminal does at Ctrl-C. */
    interrupt: () => process.kill(-(child.pid ?? 0), 'SIGINT'),
    /** Waits for the programs that it started: esbuild's ends by itself when the program that uses it has ended. */
    async leavesNobody(): Promise<void> {
      const isAnyoneLeft = (): boolean => {
        try {
          return process.kill(-(child.pid ?? 0), 0)
        } catch {
          return false
        }
      }
      await expect.poll(isAnyoneLeft).toBe(false)
    },
  }
}

test('npm run dev serves the console from its sources beside a hub that starts again after a change, and Ctrl-C ends both', {
  // The hub is started from its sources twice, which takes most of a minute each on a busy machine.
  timeout: 240_000,
}, async () => {
  const [http = '', https = '', mqtt = '', mqtts = '', pages = ''] = (await freePorts(5)).map(String)
  const ports = { HTTP_PORT: http, HTTPS_PORT: https, MQTT_PORT: mqtt, MQTTS_PORT: mqtts, CONSOLE_PORT: pages }
  const dev = startDev(ports)
  await dev.says('GraphiQL')
  expect(dev.lines).toContain(`  console   http://localhost:${pages}/console/`)
  expect(dev.lines).toContain(`  GraphQL   http://localhost:${http}/graphql`)

  const page = await (await fetch(`http://localhost:${pages}/console/jobs`)).text()
  expect(page).toContain('/console/@vite/client')
  expect(page).toContain('<meta name="hub-host-name" content="localhost" />')
  const answer = await fetch(`http://localhost:${pages}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: `http://localhost:${pages}` },
    body: '{"query":"{ jobs(first: 1) { totalCount } }"}',
  })
  expect(await answer.json()).toEqual({ data: { jobs: { totalCount: 0 } } })

  const again = dev.says(' ready ')
  // Saved more than once: on a busy machine, the hub may be there before all sources are watched.
  const save = async (): Promise<readonly string[]> => {
    await utimes(join(root, 'src/app.ts'), new Date(), new Date())
    return dev.lines
  }
  await expect.poll(save, { interval: 1_000 }).toContain('src/app.ts changed: restarting the hub')
  await again

  dev.interrupt()
  expect(await dev.closed).toEqual([0, null])
  await dev.leavesNobody()
})

test('a port in use ends it with a sentence that names the variable', async () => {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const port = String(typeof address === 'object' ? address?.port : 0)
  const [free = ''] = (await freePorts(1)).map(String)
  for (const [variable, ports] of [
    ['CONSOLE_PORT', { CONSOLE_PORT: port }],
    ['HTTP_PORT', { CONSOLE_PORT: free, HTTP_PORT: port }],
  ] as const) {
    const dev = startDev(ports)
    expect(await dev.closed).toEqual([1, null])
    expect(dev.lines.filter((line) => line.startsWith(`${variable} is ${port}, but `))).toHaveLength(1)
    await dev.leavesNobody()
  }
  server.close()
})
