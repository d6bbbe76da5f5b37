/**
 * Weight of all cached documents, in characters of their texts. The documents of the console and of a few programs are
 * a tenth of it. A parsed document takes up to 170 bytes for each character of its text.
 */
const maxWeight = 256 * 1024
/**
 * Characters of one cached document. A longer one is parsed each time: it consists mostly of comments and values, which
 * programs do not repeat.
 */
const maxCharactersEach = 16 * 1024

/** What is known about documents, by their texts. */
export type DocumentCache<Entry> = {
  get(text: string): Entry | undefined
  set(text: string, entry: Entry): void
  /** Adds to the weight of an entry, as long as it is cached. */
  grow(text: string, entry: Entry, weight: number): void
}

/**
 * Caches the most recently used documents, within a weight of `most`: the characters of their texts, and what the
 * entries have grown. A limit on their number would not bound the memory, because each can be as large as a request.
 */
export function createDocumentCache<Entry>(most = maxWeight, mostEach = maxCharactersEach): DocumentCache<Entry> {
  const cached = new Map<string, { readonly entry: Entry; weight: number }>()
  let total = 0
  const forget = (text: string): void => {
    total -= cached.get(text)?.weight ?? 0
    cached.delete(text)
  }
  const makeRoom = (): void => {
    for (const oldest of cached.keys()) {
      if (total <= most) break
      forget(oldest)
    }
  }
  return {
    get(text) {
      const found = cached.get(text)
      if (found === undefined) return undefined
      // Move it to the end, because the first entries are evicted first.
      cached.delete(text)
      cached.set(text, found)
      return found.entry
    },
    set(text, entry) {
      if (text.length > mostEach) return
      forget(text)
      cached.set(text, { entry, weight: text.length })
      total += text.length
      makeRoom()
    },
    grow(text, entry, weight) {
      const found = cached.get(text)
      if (found?.entry !== entry) return
      found.weight += weight
      total += weight
      makeRoom()
    },
  }
}
