import { writeFile } from 'node:fs/promises'
import { printLimits } from '../limits/limits.ts'

// Prints the text of docs/limits.md: each limit with its variable, its default and the answer to a client that exceeds
// it.
await writeFile(new URL('../../docs/limits.md', import.meta.url), printLimits())
