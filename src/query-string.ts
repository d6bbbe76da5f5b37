/**
 * The parameters of the query string of a URL, without its question mark. Undefined when its encoding is not valid, such as that
 * of text that is not UTF-8: `URLSearchParams` alone would read other text than was sent, and say nothing.
 */
export function readQueryString(text: string): URLSearchParams | undefined {
  try {
    decodeURIComponent(text)
    return new URLSearchParams(text)
  } catch {
    return undefined
  }
}
