/**
 * The lines of a text that comes in parts, without their ends (`\n`). A line of more than `longest` characters is cut, so
 * that memory is bounded, but keeps more than `longest`.
 */
export async function* textLines(
  parts: AsyncIterable<string>,
  longest = Number.POSITIVE_INFINITY,
): AsyncGenerator<string> {
  let rest = ''
  for await (const part of parts) {
    const lines = `${rest}${part}`.split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > longest) rest = rest.slice(0, longest + 1)
    yield* lines
  }
  if (rest !== '') yield rest
}
