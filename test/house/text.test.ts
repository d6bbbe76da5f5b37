import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

// Bytes that are not UTF-8 are refused where they come in. Node's own readers put U+FFFD in their place and say nothing, so
// they stand nowhere but in utf8.ts and, for query strings, in query-string.ts. Programs that are clients of the hub stand
// aside.

const root = resolve(import.meta.dirname, '../../src')
const clients = /^(?:cli|console|generated|simulator)\//

/** What is read otherwise, and why it does not come from outside. */
const own: Readonly<Record<string, string>> = {
  'tls/certificate.ts': 'a key that the hub has made',
  'database/embedded/user.ts': "what PostgreSQL's programs say to the log",
  'http/console.ts': "a page of the hub's own",
  'config.ts': 'a variable of the environment',
  'query-string.ts': 'the one reader of query strings',
  'utf8.ts': 'the one reader',
}

const readers =
  /\.toString\((?:['"]utf-?8['"][^)]*)?\)|\bTextDecoder\b|\bStringDecoder\b|\.setEncoding\(|\bString\((?:body|bytes|chunk|data|frame|message|packet|password|payload|reason)\b|\bsearchParams\b|\bURLSearchParams\((?!\[)/i

test('bytes become text in utf8.ts and query-string.ts only, where those that are not UTF-8 are seen', () => {
  const found = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file) && !clients.test(file))
    .filter((file) => readers.test(readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '')))
  expect(found.sort()).toEqual(Object.keys(own).sort())
})
