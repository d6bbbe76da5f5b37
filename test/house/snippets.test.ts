import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'

// docs/clients.md shows regions of the files in examples/clients. A comment before each names its source: file#region.

const root = resolve(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(resolve(root, file), 'utf8')

const page = read('docs/clients.md')
const snippets = [...page.matchAll(/^<!-- ([\w./-]+)#([\w-]+) -->\n\n```ts\n([\s\S]*?)^```$/gm)]

/** The lines between `#region name` and the next `#endregion`. */
function regionOf(file: string, name: string): string | undefined {
  const text = read(`examples/clients/${file}`)
  return new RegExp(`^// #region ${name}\n([\\s\\S]*?)^// #endregion$`, 'm').exec(text)?.[1]
}

test('docs/clients.md shows the code of examples/clients as it is', () => {
  for (const [, file = '', name = '', shown] of snippets) {
    expect({ file, name, code: shown }).toEqual({ file, name, code: regionOf(file, name) })
  }
})

test('every code with a source in docs/clients.md is compared, and all TypeScript has a source', () => {
  expect(snippets.length).toBeGreaterThan(10)
  expect(page.match(/^<!-- /gm)?.length).toBe(snippets.length)
  expect(page.match(/^```ts$/gm)?.length).toBe(snippets.length)
})
