import { statfs } from 'node:fs/promises'

/** A part that the hub needs: `reason` is a sentence without secrets, when it is not ok. */
export type Check = { readonly ok: true } | { readonly ok: false; readonly reason: string }

/**
 * The parts that `/readyz` shows. While one that is `needed` fails, the hub is unavailable. While one that is `harmless`
 * fails, the instance goes on: without events of others it reads the rows in intervals, a role that no instance has is
 * not its own fault, with a wrong clock it goes on serving devices and clients, and PostgreSQL carries messages in place of
 * NATS.
 */
export const parts = {
  database: 'needed',
  migrations: 'needed',
  disk: 'needed',
  instances: 'harmless',
  roles: 'harmless',
  clock: 'harmless',
  bus: 'harmless',
  /** What the checks could not find out. */
  checks: 'needed',
} as const satisfies Readonly<Record<string, 'needed' | 'harmless'>>

/** The parts that were checked. */
export type Checks = { readonly [part in keyof typeof parts]?: Check }

const kinds: ReadonlyMap<string, string> = new Map(Object.entries(parts))

/** The reason of a part that the hub needs and that is not ok; undefined when the hub can work. */
export function whyUnavailable(checks: Checks): string | undefined {
  for (const [part, check] of Object.entries(checks)) {
    if (!check.ok && kinds.get(part) !== 'harmless') return check.reason
  }
  return undefined
}

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
