// Runs `prisma generate`. Generating needs no schema engine, yet Prisma downloads one first and fails where it cannot:
// naming any executable as that engine skips the download. Only for generating; `prisma migrate` gets the real one.
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createRequire } from 'node:module'

// What an earlier version generated would stay and be compiled.
rmSync(new URL('../src/generated', import.meta.url), { recursive: true, force: true })
const prisma = createRequire(import.meta.url).resolve('prisma/build/index.js')
execFileSync(process.execPath, [prisma, 'generate', '--no-hints'], {
  stdio: ['ignore', 'ignore', 'inherit'],
  env: { PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, ...process.env, CHECKPOINT_DISABLE: '1' },
})
