import { writeFile } from 'node:fs/promises'
import { printLimits } from '../limits/limits.ts'

// Writes docs/limits.md: every budget, its variable, its default and what a client over it is answered.
await writeFile(new URL('../../docs/limits.md', import.meta.url), printLimits())
