/** Lets the browser save data as a file with this name. */
export function saveFile(data: Blob, name: string): void {
  const link = document.createElement('a')
  const address = URL.createObjectURL(data)
  link.href = address
  link.download = name
  link.click()
  // The browser may still be reading it.
  setTimeout(() => URL.revokeObjectURL(address), 60_000)
}
