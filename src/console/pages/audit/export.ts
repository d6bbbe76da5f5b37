/** Reads an export of the audit. `problem` says why it cannot be read, or that it has ended early. */
export async function readExport(
  request: typeof fetch,
  path: string,
): Promise<{ readonly entries: Blob } | { readonly problem: string }> {
  try {
    const response = await request(path)
    return response.ok ? { entries: await response.blob() } : { problem: messageIn(await response.json()) }
  } catch {
    return { problem: 'The connection to the hub was lost before all entries were there. Try again.' }
  }
}

/** The message of the first error in an answer of the hub. */
function messageIn(answer: { readonly errors: readonly { readonly message: string }[] }): string {
  return answer.errors.map(({ message }) => message).join(' ')
}
