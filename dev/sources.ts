import { readFileSync } from 'node:fs'

/** The hub starts again; the types of all clients' documents are generated; and those of the database, too. */
export type Effect = 'restart' | 'documents' | 'generate'

/**
 * What has to follow when a file was changed. Undefined: nothing, or Vite does it. `file` is relative to the repository,
 * `path` is where it can be read.
 */
export function effectOf(file: string, path: string): Effect | undefined {
  if (file === 'prisma/schema.prisma') return 'generate'
  if (file === 'schema.graphql') return 'documents'
  if (!/^src\/.*\.tsx?$/.test(file)) return undefined
  if (file.startsWith('src/generated/')) return file.startsWith('src/generated/prisma/') ? 'restart' : undefined
  // Documents of clients: what they get is looked up by their text.
  if (/^src\/(console|cli|simulator)\//.test(file)) return hasDocument(path) ? 'documents' : undefined
  return 'restart'
}

function hasDocument(path: string): boolean {
  try {
    return /\bgraphql\(/.test(readFileSync(path, 'utf8'))
  } catch {
    return false // removed
  }
}
