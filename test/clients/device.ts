import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { signSasToken } from '../../src/access/sas.ts'
import type { TestApp } from '../support/app.ts'
import { registerFleet } from '../support/fleet.ts'

/** What a device knows of its hub. */
export type Credentials = { readonly deviceId: string; readonly userName: string; readonly password: string }

/** Registers a device. */
export async function givenDevice(app: TestApp, deviceId: string): Promise<Credentials> {
  const [device] = await registerFleet(app.client, deviceId, 1, () => ({ kind: 'answer' }))
  if (device === undefined) throw new Error('no device was registered')
  const resource = encodeURIComponent(`localhost/devices/${device.deviceId}`)
  const expiry = Math.floor(Date.now() / 1000) + 3600
  return {
    deviceId: device.deviceId,
    userName: `localhost/${device.deviceId}/?api-version=2021-04-12`,
    password: signSasToken({ resource, key: device.primaryKey, expiry }),
  }
}

/** A program of others and the lines it has written. */
export type ClientProgram = {
  /** Resolves with the next line; rejects with what it complained of when there is none any more. */
  nextLine(): Promise<string>
  /** Writes to it. */
  write(text: string): void
  /** Its exit code, when it has ended. */
  ended(): Promise<number | null>
  stop(): Promise<void>
}

export function runClient(program: string, args: readonly string[]): ClientProgram {
  const child: ChildProcess = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  let complaints = ''
  child.stderr?.on('data', (chunk) => {
    complaints += chunk
  })
  const exited = once(child, 'close').then(([code]: (number | null)[]) => code ?? null)
  if (child.stdout === null) throw new Error('the program has no output')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async nextLine() {
      const { value, done } = await lines.next()
      if (done) throw new Error(`${program} ended with ${await exited}: ${complaints}`)
      return value
    },
    write: (text) => void child.stdin?.write(text),
    ended: () => exited,
    async stop() {
      child.kill()
      await exited
    },
  }
}

/** Calls the service API. */
export async function callRest(app: TestApp, method: string, path: string, body: unknown): Promise<unknown> {
  const response = await fetch(`${app.addresses.http}${path}?api-version=2021-04-12`, {
    method,
    headers: { 'content-type': 'application/json', authorization: app.ownerToken },
    body: JSON.stringify(body),
  })
  return response.json()
}
