import type { DocumentNode } from 'graphql'

/**
 * Characters of all cached documents. The documents of the console and of a few programs are a tenth of it. A parsed
 * document takes up to 170 bytes for each character of its text.
 */
const maxCharacters = 256 * 1024
/**
 * Characters of one cached document. A longer one is parsed each time: it consists mostly of comments and values, which
 * programs do not repeat.
 */
const maxCharactersEach = 16 * 1024

/** Parsed documents by their text. */
export type DocumentCache = {
  get(text: string): DocumentNode | undefined
  set(text: string, document: DocumentNode): void
}

/**
 * Caches the most recently used documents, within `most` characters of text. A limit on their number would not bound
 * the memory, because each can be as large as a request.
 */
export function createDocumentCache(most = maxCharacters, mostEach = maxCharactersEach): DocumentCache {
  const documents = new Map<string, DocumentNode>()
  let characters = 0
  const forget = (text: string): void => {
    if (documents.delete(text)) characters -= text.length
  }
  return {
    get(text) {
      const document = documents.get(text)
      if (document === undefined) return undefined
      // Move it to the end, because the first entries are evicted first.
      documents.delete(text)
      documents.set(text, document)
      return document
    },
    set(text, document) {
      if (text.length > mostEach) return
      forget(text)
      documents.set(text, document)
      characters += text.length
      for (const oldest of documents.keys()) {
        if (characters <= most) break
        forget(oldest)
      }
    },
  }
}
