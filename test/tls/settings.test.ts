import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'

let hub: TestApp
beforeAll(async () => {
  hub = await startApp()
})
afterAll(() => hub.close())

/** What OpenSSL's client says of a handshake, its standard input at an end; `write` is what it is told first. */
async function shakeHands(port: number, choices: readonly string[], write = ''): Promise<string> {
  const client = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...choices])
  let said = ''
  for (const output of [client.stdout, client.stderr]) {
    output.on('data', (chunk) => {
      said += chunk
    })
  }
  client.stdin.on('error', () => {})
  client.stdin.end(write)
  await once(client, 'close')
  return said
}

const cipherIn = (said: string): string | undefined => /Cipher is (\S+)/.exec(said)?.[1]

describe.each([
  ['HTTPS_PORT', () => Number(new URL(hub.addresses.https).port)],
  ['MQTTS_PORT', () => hub.mqttsPort],
])('%s', (_variable, port) => {
  test.each([
    ['finite fields', ['-groups', 'ffdhe8192']],
    ['small finite fields', ['-groups', 'ffdhe2048']],
    ['finite fields in TLS 1.2', ['-tls1_2', '-cipher', 'DHE']],
    ['keys without forward secrecy', ['-tls1_2', '-cipher', 'kRSA']],
    ['CBC', ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES128-SHA']],
    ['half a tag', ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-CCM8']],
    ['TLS 1.1', ['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0']],
  ])('does not speak %s', async (_what, choices) => {
    expect(cipherIn(await shakeHands(port(), choices))).toBe('(NONE)')
  })

  test.each([
    ['TLS 1.3', ['-tls1_3']],
    ['TLS 1.2', ['-tls1_2']],
    ['the curve P-256', ['-tls1_2', '-groups', 'P-256']],
    ['the curve P-384', ['-tls1_3', '-groups', 'P-384']],
    ['ChaCha20', ['-tls1_2', '-cipher', 'ECDHE-ECDSA-CHACHA20-POLY1305']],
  ])('speaks %s', async (_what, choices) => {
    expect(cipherIn(await shakeHands(port(), choices))).not.toBe('(NONE)')
  })

  test('does not shake hands again on a connection', async () => {
    expect(await shakeHands(port(), ['-tls1_2'], 'R\n')).toMatch(/RENEGOTIATING[\s\S]*no renegotiation/)
  })
})
