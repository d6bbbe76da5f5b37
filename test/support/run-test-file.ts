import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** Runs a test file as `npm test` does, with variables for it. The exit code of this process becomes that of the run. */
export async function runTestFile(path: string, variables: Readonly<Record<string, string>>): Promise<void> {
  // The program itself is not among what the package exports.
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
  const child = spawn(process.execPath, [vitest, 'run', path], {
    stdio: 'inherit',
    env: { ...process.env, ...variables },
  })
  await once(child, 'exit')
  process.exitCode = child.exitCode ?? 1
}
