import { type DocumentNode, print } from 'graphql'

const known = new WeakMap<DocumentNode, boolean>()

/** Whether a document names the keys of devices or the secret of a webhook, even if it does not select them. */
export function maySelectKeys(document: DocumentNode): boolean {
  const found = known.get(document)
  if (found !== undefined) return found
  const may = /symmetricKey|secret/.test(document.loc?.source.body ?? print(document))
  known.set(document, may)
  return may
}
