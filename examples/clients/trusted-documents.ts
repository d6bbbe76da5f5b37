// #region ids
/**
 * The id of a document, if the code generator gave it one (`persistedDocuments`), in the form that urql, Apollo and the
 * hub know. It replaces the text.
 */
export function idOf(document: object): { readonly version: 1; readonly sha256Hash: string } | undefined {
  const meta: unknown = '__meta__' in document ? document.__meta__ : undefined
  const hash: unknown = typeof meta === 'object' && meta !== null && 'hash' in meta ? meta.hash : undefined
  return typeof hash === 'string' ? { version: 1, sha256Hash: hash } : undefined
}
// #endregion
