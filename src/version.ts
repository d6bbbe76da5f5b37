import { readFileSync } from 'node:fs'

/** The version of this program. The file is next to the folder of the program, in development and as built. */
export const version: string = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version
