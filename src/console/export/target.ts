import { saveFile } from '../ui/save-file.ts'
import type { Target } from './write-rows.ts'

declare global {
  interface Window {
    /** Only browsers with File System Access have it. */
    readonly showSaveFilePicker?: (options: { readonly suggestedName: string }) => Promise<FileSystemFileHandle>
  }
}

/** The most characters that are kept in memory where the browser cannot write to a file step by step. */
export const mostInMemory = 100_000_000

/** Whether the browser keeps the whole export in memory until it is complete. */
export function keepsInMemory(): boolean {
  return window.showSaveFilePicker === undefined
}

/** An export that needs more memory than `mostInMemory`. */
export class TooLargeForMemory extends Error {}

/** The file that the user selects, or else a download. Undefined if the user selects none. */
export async function openTarget(suggestedName: string): Promise<Target | undefined> {
  if (window.showSaveFilePicker === undefined) return download(suggestedName)
  try {
    const handle = await window.showSaveFilePicker({ suggestedName })
    const file = await handle.createWritable()
    return { write: (text) => file.write(text), close: () => file.close(), abort: () => file.abort() }
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return undefined
    throw error
  }
}

function download(name: string): Target {
  const parts: Blob[] = []
  let length = 0
  return {
    async write(text) {
      length += text.length
      if (length > mostInMemory) throw new TooLargeForMemory()
      parts.push(new Blob([text]))
    },
    async close() {
      saveFile(new Blob(parts), name)
    },
    async abort() {
      parts.length = 0
    },
  }
}
