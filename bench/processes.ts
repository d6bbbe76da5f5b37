import { readdir, readFile } from 'node:fs/promises'

/** The clock tick of /proc on Linux, 100 a second. */
const tickMicros = 10_000

/** CPU time of a process as /proc tells it, in microseconds: its own, and that of its children that have ended. */
export type ProcessStat = {
  readonly pid: number
  readonly parent: number
  readonly own: number
  readonly ended: number
}

/** Reads /proc/<pid>/stat. The name in parentheses may itself hold blanks and parentheses: see proc(5). */
export function parseStat(text: string): ProcessStat {
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const [, parent = 0] = fields
  const [utime = 0, stime = 0, childUtime = 0, childStime = 0] = fields.slice(11, 15)
  return {
    pid: Number.parseInt(text, 10),
    parent,
    own: (utime + stime) * tickMicros,
    ended: (childUtime + childStime) * tickMicros,
  }
}

/** Undefined for a process that is not there, or where there is no /proc. */
export async function readStat(pid: number): Promise<ProcessStat | undefined> {
  try {
    return parseStat(await readFile(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return undefined
  }
}

/** CPU microseconds so far of a process and its children, those that have ended too. NaN where there is no /proc. */
export async function familyCpu(pid: number): Promise<number> {
  const names = await readdir('/proc').catch(() => [])
  const stats = await Promise.all(names.filter((name) => /^\d+$/.test(name)).map((name) => readStat(Number(name))))
  const family = stats.flatMap((stat) => stat ?? []).filter((stat) => stat.pid === pid || stat.parent === pid)
  if (family.length === 0) return Number.NaN
  return family.reduce((sum, stat) => sum + stat.own + (stat.pid === pid ? stat.ended : 0), 0)
}
