import { type DocumentNode, print } from 'graphql'

/** Whether a document names the keys of devices, even if it does not select them. */
export function maySelectKeys(document: DocumentNode): boolean {
  return (document.loc?.source.body ?? print(document)).includes('symmetricKey')
}
