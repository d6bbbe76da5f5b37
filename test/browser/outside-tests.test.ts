import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('pages can be opened outside a test run, as for the screenshots', async () => {
  const browser = pathToFileURL(resolve(import.meta.dirname, '../support/browser.ts')).href
  const { VITEST: _, ...env } = process.env
  const program = `const { startBrowser } = await import('${browser}'); console.log(typeof startBrowser)`
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', program],
    { env },
  )
  expect(stdout).toBe('function\n')
})
