import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

/** Programs: importing one runs it. */
const programs = /^(cli\/(twincast|print-schema|write-limits)|simulator\/process)\.ts$/

test('importing any module opens nothing, reads no configuration and says nothing', {
  // A process that compiles every module: half a minute on a busy machine.
  timeout: 240_000,
}, async () => {
  const modules = readdirSync(resolve(root, 'src'), { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !/^(generated|console)\//.test(file) && !programs.test(file),
  )
  const script = `
    process.env = new Proxy(process.env, { get: (env, name) => {
      if (/^(HOST|HTTPS?_PORT|MQTTS?_PORT|DATA_DIR|DATABASE_URL|IOTHUB_|TLS_)/.test(String(name))) throw new Error('reads ' + String(name))
      return env[name]
    } })
    for (const file of ${JSON.stringify(modules)}) await import('./src/' + file)
    const open = process.getActiveResourcesInfo().filter((name) => /TCP|Pipe|Timeout|FSReq/.test(name))
    if (open.some((name) => name !== 'PipeWrap')) throw new Error('left open: ' + open)
  `
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', script],
    { cwd: root },
  )
  expect(stdout).toBe('')
  expect(stderr).toBe('')
})
