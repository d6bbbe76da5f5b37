// Generates Prisma's client and its types for Pothos, when the peers are installed. ../../prisma/generate.js says why an
// engine is named.
import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const prisma = createRequire(new URL('../../package.json', import.meta.url)).resolve('prisma/build/index.js')
const here = fileURLToPath(new URL('.', import.meta.url))
execFileSync(process.execPath, [prisma, 'generate', '--no-hints', '--schema', 'schema.prisma'], {
  cwd: here,
  stdio: ['ignore', 'ignore', 'inherit'],
  // The generator for Pothos is found by its name.
  env: {
    PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
    ...process.env,
    PATH: `${here}node_modules/.bin:${process.env.PATH}`,
    CHECKPOINT_DISABLE: '1',
  },
})
