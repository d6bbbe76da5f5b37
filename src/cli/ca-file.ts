import { readFile } from 'node:fs/promises'
import { UsageError } from './usage-error.ts'

/** The text of the file in `--ca`. UsageError when it cannot be read. */
export async function readCa(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new UsageError(`--ca cannot be read: ${error instanceof Error ? error.message : String(error)}.`)
  }
}
