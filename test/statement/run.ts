import type { JsonObject } from '../../src/json/json.ts'
import { printJson } from '../../src/json/json-text.ts'
import { runStatement as run } from '../../src/statement/commands.ts'

/** Runs a statement; the rows are read again from their text. */
export async function runStatement(...args: Parameters<typeof run>) {
  const { items, ...page } = await run(...args)
  const rows: readonly JsonObject[] = JSON.parse(printJson(items))
  return { ...page, items: rows }
}
