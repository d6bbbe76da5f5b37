/**
 * Names statements whose text depends on what clients select, so that PostgreSQL parses the frequent ones once on each
 * connection. A connection keeps its prepared statements for good, so only the first `most` texts get a name; undefined
 * for the others.
 */
export function createStatementNames(prefix: string, most: number): (text: string) => string | undefined {
  const names = new Map<string, string>()
  return (text) => {
    const known = names.get(text)
    if (known !== undefined || names.size >= most) return known
    const name = `${prefix}-${names.size}`
    names.set(text, name)
    return name
  }
}
