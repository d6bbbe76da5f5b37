import { type DocumentNode, print } from 'graphql'

/** Whether a document names the keys of devices or the secret of a webhook, even if it does not select them. */
export function maySelectKeys(document: DocumentNode): boolean {
  return /symmetricKey|secret/.test(document.loc?.source.body ?? print(document))
}
