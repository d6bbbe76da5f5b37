import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseSasToken, tokenCovers, verifySasSignature } from '../../src/access/sas.ts'
import { createProgram } from '../../src/cli/program.ts'
import { exitCodeOf } from '../../src/cli/run-command.ts'
import { twincast } from '../support/twincast.ts'

const root = resolve(import.meta.dirname, '../..')
const key = Buffer.alloc(32, 7).toString('base64')

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'twincast-cli-'))
  writeFileSync(join(folder, 'iothubowner-key'), `${key}\n`)
})
afterAll(() => rmSync(folder, { recursive: true }))

const run = (...args: string[]) => {
  const { IOTHUB_OWNER_KEY: _, DATA_DIR: __, HUB_HOST_NAME: ___, TWINCAST_URL: ____, ...env } = process.env
  const { status, stdout, stderr } = spawnSync(process.execPath, [twincast, ...args], {
    cwd: root,
    env,
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

test('--version prints the version of the package', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  expect(run('--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' })
})

test.each([
  [[], 'Run a hub:'],
  [['start'], 'HTTP_PORT=4100'],
  [['demo'], '--keep'],
  [['simulate'], '--flapping <P>'],
  [['token'], '--connection-string'],
  [['audit'], '--operation <NAMES>'],
])('twincast %j --help prints its options on standard output and succeeds', async (command, option) => {
  const printed = { out: '', error: '' }
  const output = {
    out(text: string) {
      printed.out += text
    },
    error(text: string) {
      printed.error += text
    },
  }
  expect(await exitCodeOf(createProgram(), [...command, '--help'], output)).toBe(0)
  expect(printed.error).toBe('')
  expect(printed.out).toContain(`Usage: ${['twincast', ...command].join(' ')}`)
  expect(printed.out).toContain(option)
})

test('a command that needs only the ports of a hub loads neither the client of the database nor the reader of job files', () => {
  const scriptOf = (code: string): string => `data:text/javascript;base64,${btoa(code)}`
  const hooks = `import { writeSync } from 'node:fs'
  export function load(url, context, next) {
    const [, name] = /\\/node_modules\\/(graphql-ws|pg|pino|yaml)\\//.exec(url) ?? []
    if (name !== undefined) writeSync(2, 'loads ' + name + '\\n')
    return next(url, context)
  }`
  const register = scriptOf(`import { register } from 'node:module'; register('${scriptOf(hooks)}')`)
  const args = ['--import', register, twincast, 'devices', 'list', '--hub', 'http://127.0.0.1:9']
  const { stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  expect(stderr).toMatch(/No hub responds/)
  expect(new Set(stderr.match(/^loads .*$/gm))).toEqual(new Set(['loads graphql-ws']))
})

test('without a command the help goes to standard error, and the exit code is 2', () => {
  const { status, stdout, stderr } = run()
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
  expect(stderr).toContain('Work with a hub:')
})

test('a wrong command line is one line with a hint, and ends with 2', () => {
  expect(run('demo', '--devices', '5')).toEqual({
    status: 2,
    stdout: '',
    stderr: `Option '--devices <N>' argument '5' is invalid. It must be a whole number from 120 to 10,000.
See twincast demo --help.
`,
  })
})

test('a hub that is not there is said in one line, and ends with 1', () => {
  const { status, stdout, stderr } = run('simulate', '--hub', 'http://127.0.0.1:9/graphql')
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr).toMatch(/^No hub responds at http:\/\/127\.0\.0\.1:9\/graphql \(ECONNREFUSED\)\. Start a hub .*\n$/)
})

test('the audit of a hub that is not there ends with 1, and writes nothing', () => {
  const { status, stdout, stderr } = run('audit', '--hub', 'http://127.0.0.1:9', '--key', key)
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr).toMatch(/^No hub responds at http:\/\/127\.0\.0\.1:9 \(ECONNREFUSED\)\. Start a hub .*\n$/)
})

test('a CA that cannot be read is said, and ends with 2', () => {
  const { status, stdout, stderr } = run('audit', '--ca', join(folder, 'ca.pem'))
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
  expect(stderr).toMatch(/^--ca cannot be read: ENOENT.*\nSee twincast audit --help\.\n$/)
})

test("a token is signed with the key in the hub's data folder", () => {
  const { status, stdout } = run('token', '--data-dir', folder, '--host', 'hub.example', '--hours', '2')
  expect(status).toBe(0)
  const token = parseSasToken(stdout.trim())
  if (token === undefined) throw new Error('not a token')
  expect(verifySasSignature(token, [key])).toBe(true)
  expect(tokenCovers(token, [], ['hub.example'])).toBe(true)
  expect(token.policyName).toBe('iothubowner')
  expect(Math.abs(token.expiry - Date.now() / 1000 - 7_200)).toBeLessThan(60)
})

test('a connection string is in the form of the SDKs', () => {
  expect(run('token', '--connection-string', '--policy', 'service', '--key', key).stdout).toBe(
    `HostName=localhost;SharedAccessKeyName=service;SharedAccessKey=${key}\n`,
  )
})

test('without a key it is said where one could come from', () => {
  const { status, stderr } = run('token', '--data-dir', join(folder, 'nothing'))
  expect(status).toBe(2)
  expect(stderr).toContain('IOTHUB_OWNER_KEY is not set, and --key is not given.')
})

test('a file in the place of the data folder holds no key', () => {
  const { status, stderr } = run('token', '--data-dir', join(folder, 'iothubowner-key'))
  expect(status).toBe(2)
  expect(stderr).toContain('has no key')
})
