import { utf8Text } from './utf8.ts'

/**
 * A place in a list as an opaque token: `list` identifies the list with its order and filters, `keys` are those of a
 * row.
 */
export function encodeCursor(list: string, keys: readonly string[]): string {
  return Buffer.from(JSON.stringify([list, ...keys])).toString('base64url')
}

/**
 * The keys in a token; undefined for a token of another list, and for text that is not a token. Their number may be
 * wrong.
 */
export function decodeCursor(list: string, token: string): readonly string[] | undefined {
  const [name, ...keys] = textsIn(token)
  return name === list ? keys : undefined
}

function textsIn(token: string): readonly string[] {
  try {
    const value: unknown = JSON.parse(utf8Text(Buffer.from(token, 'base64url')) ?? '')
    return Array.isArray(value) && value.every((part) => typeof part === 'string') ? value : []
  } catch {
    return []
  }
}
