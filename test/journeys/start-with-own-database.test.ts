import { mkdtemp, readdir, rm, rmdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { readIfThere } from '../../src/data-folder.ts'
import { startHubProcess } from '../support/hub-process.ts'

// A file of its own, because `.ci/run` runs it as several users.

let ending: AbortController
beforeEach(() => {
  ending = new AbortController()
})
afterEach(() => ending.abort())

const anyPort = { HTTP_PORT: '0', HTTPS_PORT: '0', MQTT_PORT: '0', MQTTS_PORT: '0', METRICS_PORT: '0' }

test('without settings but ports it brings its own database, in the checkout, and ends it with itself', async () => {
  const checkout = resolve(import.meta.dirname, '../..')
  const path = await mkdtemp(join(checkout, '.twincast-start-'))
  /** For root, the database may be in a folder of its own elsewhere. */
  const homeOf = async (): Promise<string> => (await readIfThere(join(path, 'postgres-home')))?.trim() ?? path
  // A database that is ended because the hub was killed may still write files.
  const gone = { recursive: true, force: true, maxRetries: 20 }
  onTestFinished(async () => {
    const home = await homeOf()
    await rm(home, gone)
    await rm(path, gone)
    if (home !== path) await rmdir(dirname(home)).catch(() => {}) // others may be in it
  })
  const { HOME = dirname(checkout) } = process.env
  const hub = await startHubProcess({ ...anyPort, HOME, DATA_DIR: path }, { signal: ending.signal })
  expect((await fetch(`${hub.addresses.http}/healthz`)).status).toBe(200)
  expect((await fetch(`${hub.addresses.http}/readyz`)).status).toBe(200)
  const cluster = join(await homeOf(), 'postgres')
  expect(await readdir(cluster)).toContain('postmaster.pid')
  expect(await hub.stop()).toBe(0)
  expect(await readdir(cluster)).not.toContain('postmaster.pid')
})
