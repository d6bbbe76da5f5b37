import { readFileSync } from 'node:fs'
import { packageFolder } from './program/folders.ts'

/** The version of this program. */
export const version: string = JSON.parse(readFileSync(new URL('package.json', packageFolder), 'utf8')).version
