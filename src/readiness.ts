import { statfs } from 'node:fs/promises'

/** A part that the hub needs: `reason` is a sentence without secrets, when it is not ok. */
export type Check = { readonly ok: true } | { readonly ok: false; readonly reason: string }

/** The parts by name. */
export type Checks = Readonly<Record<string, Check>>

/** A check that fails with the reason, if there is one. */
export const checkOf = (reason: string | undefined): Check =>
  reason === undefined ? { ok: true } : { ok: false, reason }

/** Megabytes below which PostgreSQL may be unable to write its log: it then stops. */
export const leastFree = 64

/** Whether there is room in the file system of a folder. */
export async function checkDisk(folder: string): Promise<Check> {
  const { bavail, bsize } = await statfs(folder)
  const free = Math.floor((bavail * bsize) / 2 ** 20)
  return checkOf(free >= leastFree ? undefined : `The data folder has ${free} MB left; ${leastFree} MB are needed.`)
}
