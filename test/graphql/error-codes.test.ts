import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { buildSchema, isEnumType } from 'graphql'
import { expect, test } from 'vitest'

// docs/graphql.md has a table of the codes of errors in `errors`. Those of result unions are in the schema.

const root = resolve(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const filesIn = (folder: string, ending: string): readonly string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => join(folder, file))

/** Texts in capitals that are no codes of errors: methods of HTTP, the names of scalars, and a status in exports. */
const others = new Set(['CANCELLED', 'GET', 'HEAD', 'ID', 'JSON', 'OPTIONS', 'POST'])

const inQuotes = /'([A-Z]{2,}(?:_[A-Z]+)*)'/g
const afterCode = /code: '([A-Z]{2,}(?:_[A-Z]+)*)'/g

/** The codes that the hub sends, and those of Yoga's checks of the form of a request. */
function codesInSource(): ReadonlySet<string> {
  const own = filesIn('src/graphql', '.ts').flatMap((file) => [...read(file).matchAll(inQuotes)])
  const domain = [...read('src/errors.ts').matchAll(/readonly code = '([A-Z_]+)'/g)]
  const yoga = filesIn('node_modules/graphql-yoga/esm/plugins/request-validation', '.js')
    .filter((file) => !file.includes('multipart'))
    .flatMap((file) => [...read(file).matchAll(afterCode)])
  return new Set([...own, ...domain, ...yoga].map(([, code = '']) => code).filter((code) => !others.has(code)))
}

const page = read('docs/graphql.md')
const rows = /\n\| code \| meaning \|\n\|---\|---\|\n((?:\|.*\n)+)/.exec(page)?.[1]?.split('\n') ?? []
const documented = new Set(
  rows.flatMap((row) => [...(row.split(' | ')[0] ?? '').matchAll(/`(\w+)`/g)].map(([, code]) => code)),
)

test('docs/graphql.md has every code of an error that is not in a result union', () => {
  const type = buildSchema(read('schema.graphql')).getType('ErrorCode')
  const inUnions = new Set(isEnumType(type) ? type.getValues().map(({ name }) => name) : [])
  const codes = codesInSource()
  expect(codes.size).toBeGreaterThan(25)
  expect([...codes].filter((code) => !documented.has(code) && !inUnions.has(code))).toEqual([])
})

test('docs/graphql.md has no other codes of errors', () => {
  const codes = codesInSource()
  expect(documented.size).toBeGreaterThan(20)
  expect([...documented].filter((code) => code === undefined || !codes.has(code))).toEqual([])
})
