/** Characters of a part: each is at most three bytes, and a notification has less than 8,000. */
const partLength = 2_600
/** Characters of a message that is put together: more than the largest payload of a device in Base64. */
const maxLength = 1024 * 1024

/**
 * Cuts a text into parts that each fit into a notification. `number` differs from that of the messages before. No two
 * parts are the same: the server drops a notification that equals another one of its transaction.
 */
export function splitText(text: string, number: string): string[] {
  const parts: string[] = []
  let from = 0
  do {
    let end = Math.min(text.length, from + partLength)
    // The two halves of a character stay together.
    if (end < text.length && /[\uD800-\uDBFF]/.test(text.charAt(end - 1))) end--
    const more = end < text.length ? '+' : '.'
    parts.push(`${number}/${parts.length}${more}${text.slice(from, end)}`)
    from = end
  } while (from < text.length)
  return parts
}

/**
 * Puts messages together from their parts, which arrive in order; those of different senders may alternate. What is not
 * a part is dropped, and so is a message that is too long.
 */
export function createPartJoiner(): (from: number, part: string, done: (text: string) => void) => void {
  const begun = new Map<number, { readonly next: string; readonly text: string }>()
  return (from, part, done) => {
    const [head, number, index, more] = /^(\d{1,15})\/(\d{1,5})([+.])/.exec(part) ?? []
    const before = begun.get(from)
    begun.delete(from)
    if (head === undefined || (index !== '0' && before?.next !== `${number}/${index}`)) return
    const text = (index === '0' ? '' : (before?.text ?? '')) + part.slice(head.length)
    if (more === '.') done(text)
    else if (text.length <= maxLength) begun.set(from, { next: `${number}/${Number(index) + 1}`, text })
  }
}
