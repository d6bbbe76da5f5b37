import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { readIfThere, writeDurably } from '../data-folder.ts'

/**
 * The files of a data folder that a backup has: the keys of the policies, and the CA that devices trust. The others are
 * made again, or belong to the machine.
 */
const dataFiles = [
  { name: 'iothubowner-key', mode: 0o600 },
  { name: 'policies.json', mode: 0o600 },
  { name: 'ca-key.pem', mode: 0o600 },
  { name: 'ca.pem', mode: 0o644 },
] as const

/** A file of the data folder. */
export type DataFile = { readonly name: string; readonly text: string }

/** Those of the files that a folder has. */
export async function readDataFiles(folder: string): Promise<readonly DataFile[]> {
  const found = await Promise.all(
    dataFiles.map(async ({ name }) => ({ name, text: await readIfThere(join(folder, name)) })),
  )
  return found.flatMap(({ name, text }) => (text === undefined ? [] : { name, text }))
}

/** The names of those files that a folder has with another content. */
export async function differingFiles(folder: string, files: readonly DataFile[]): Promise<readonly string[]> {
  const present = await readDataFiles(folder)
  return files.flatMap(({ name, text }) =>
    present.some((file) => file.name === name && file.text !== text) ? name : [],
  )
}

/** Writes files that the folder does not have. Returns what removes them again. */
export async function writeDataFiles(folder: string, files: readonly DataFile[]): Promise<() => Promise<void>> {
  const present = await readDataFiles(folder)
  const missing = files.filter(({ name }) => !present.some((file) => file.name === name))
  const remove = async (): Promise<void> => {
    for (const { name } of missing) await rm(join(folder, name), { force: true })
  }
  try {
    for (const { name, mode } of dataFiles) {
      const file = missing.find((each) => each.name === name)
      if (file !== undefined) await writeDurably(join(folder, name), file.text, mode)
    }
  } catch (error) {
    await remove()
    throw error
  }
  return remove
}
