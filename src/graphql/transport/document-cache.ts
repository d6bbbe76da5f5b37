import type { DocumentNode } from 'graphql'

/**
 * Characters of all documents that are remembered. The console's and those of a few programs are a tenth of it. A parsed
 * document takes up to 170 bytes for each character of its text.
 */
const maxCharacters = 256 * 1024
/** Characters of one of them. A longer one is parsed each time: comments and values fill it, which no program repeats. */
const maxCharactersEach = 16 * 1024

/** Documents by their texts. */
export type DocumentCache = {
  get(text: string): DocumentNode | undefined
  set(text: string, document: DocumentNode): void
}

/**
 * Remembers the documents that were asked for last, within `most` characters of text. A number of them alone would bound
 * nothing: each can be as large as a request.
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
      // To the end of the line of those that are forgotten.
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
