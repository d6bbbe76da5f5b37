/**
 * Nothing answered at the address, or the answer did not come from a hub. `cause` is the socket's error, if there was
 * one.
 */
export class HubUnreachableError extends Error {
  override readonly name = 'HubUnreachableError'
}

/**
 * The hub refused the request. `code` is that of the GraphQL error, such as `UNAUTHORIZED`. `path` is that of the value in the input
 * that is not valid, as far as the document selects it.
 */
export class HubRefusedError extends Error {
  override readonly name = 'HubRefusedError'
  readonly code: string
  readonly path: readonly string[]
  constructor(code: string, message: string, path: readonly string[] = []) {
    super(message)
    this.code = code
    this.path = path
  }
}
