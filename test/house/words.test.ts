import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { words } from './words.ts'

const root = resolve(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(resolve(root, file), 'utf8')

/** The prose of a Markdown file: without code and the addresses of links. */
const proseOf = (markdown: string): string =>
  markdown
    .replace(/^```[\s\S]*?^```/gm, '')
    .replace(/`[^`\n]*`/g, '')
    .replace(/\]\([^)]*\)/g, ']')

/** What stands between the quotes of a program's texts, and between the tags of its pages. */
function textsOf(program: string): string {
  const code = program.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`])\/\/.*$/gm, '$1')
  const literals = code.matchAll(/'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|(?<!sql|graphql\()`((?:[^`\\]|\\.)*)`/g)
  const tagged = code.matchAll(/>\s*([A-Z][^<>{}=;]*)[<{]/g)
  const texts = [...literals, ...tagged].map(([, a, b, c]) => (a ?? b ?? c ?? '').replace(/\$\{[^}]*\}/g, '…'))
  return texts.filter((text) => text.includes(' ')).join('\n')
}

const programs = (folder: string, isIt: (file: string) => boolean): string =>
  readdirSync(resolve(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file) && isIt(file))
    .map((file) => textsOf(read(`${folder}/${file}`)))
    .join('\n')

const documents = [
  '.',
  'docs',
  'examples/azure-sdk',
  'examples/clients',
  'examples/oidc',
  'examples/web-client',
].flatMap((folder) =>
  readdirSync(resolve(root, folder))
    .filter((file) => file.endsWith('.md'))
    .map((file) => (folder === '.' ? file : `${folder}/${file}`)),
)

/** What users read, by name. */
const texts: readonly (readonly [string, string])[] = [
  // The list of words itself names them.
  ...documents.map((file) => [file, proseOf(read(file)).replace(/^\| avoid \|.*\n(?:\|.*\n?)*/m, '')] as const),
  ['schema.graphql', [...read('schema.graphql').matchAll(/"""([\s\S]*?)"""/g)].map(([, text]) => text).join('\n')],
  ['texts of the console', programs('src/console', () => true)],
  // Descriptions of the schema are in schema.graphql.
  ['errors, log and --help', programs('src', (file) => !/^(?:console|generated|graphql)\//.test(file))],
]

test.each(texts)('%s has no words that readers stop at', (_name, text) => {
  const found = words.flatMap(({ avoid, write, pattern }) =>
    pattern === undefined
      ? []
      : [...text.matchAll(new RegExp(pattern, 'gim'))].map(
          ({ index }) => `${text.slice(Math.max(0, index - 40), index + 40).replace(/\s+/g, ' ')}: ${avoid} → ${write}`,
        ),
  )
  expect(found).toEqual([])
})

test('CONTRIBUTING.md shows the list', () => {
  const rows = words.map(({ avoid, write }) => `| ${avoid} | ${write} |`).join('\n')
  expect(read('CONTRIBUTING.md')).toContain(`| avoid | write |\n|---|---|\n${rows}\n`)
})
