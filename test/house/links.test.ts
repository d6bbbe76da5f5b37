import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const folders = [
  '.',
  'docs',
  'examples/azure-sdk',
  'examples/clients',
  'examples/oidc',
  'examples/testing',
  'examples/web-client',
]
const documents = folders.flatMap((folder) =>
  readdirSync(resolve(root, folder))
    .filter((file) => file.endsWith('.md'))
    .map((file) => resolve(root, folder, file)),
)

const textOf = (file: string): string => readFileSync(file, 'utf8').replace(/^```[\s\S]*?^```/gm, '')

/** The anchors that GitHub gives to headings. */
const anchorsOf = (file: string): string[] =>
  [...textOf(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

test('links between documents lead to files and headings that exist', () => {
  const broken = documents.flatMap((document) => {
    const links = [...textOf(document).matchAll(/\]\((?!https?:)([^)\s]+)\)|(?:src|srcset)="(?!https?:)([^"]+)"/g)]
    return links.flatMap(([, link, image]) => {
      const [path = '', anchor] = (link ?? image ?? '').split('#')
      const target = path === '' ? document : resolve(dirname(document), path)
      if (!existsSync(target)) return [`${relative(root, document)}: ${path}`]
      if (anchor === undefined || statSync(target).isDirectory()) return []
      return anchorsOf(target).includes(anchor) ? [] : [`${relative(root, document)}: ${path}#${anchor}`]
    })
  })
  expect(documents.length).toBeGreaterThan(10)
  expect(broken).toEqual([])
})
