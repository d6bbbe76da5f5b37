import { readFile, statfs } from 'node:fs/promises'

const place = '/dev/shm'
/** Much more than the databases of a run take. */
const neededBytes = 4 * 1024 ** 3

/**
 * A folder of files in memory, which Linux has, where there is enough of it; undefined otherwise. Containers often have a small one,
 * or one from which no program can be started, as that of PostgreSQL has to be when its user cannot reach the checkout.
 */
export async function findMemoryFolder(): Promise<string | undefined> {
  const mounts = await readFile('/proc/mounts', 'utf8').catch(() => '')
  const options = mounts.split('\n').flatMap((line) => {
    const [, folder, type, options = ''] = line.split(' ')
    return folder === place && type === 'tmpfs' ? [options.split(',')] : []
  })
  const last = options.at(-1)
  if (last === undefined || last.includes('noexec') || last.includes('ro')) return undefined
  const { bavail, bsize } = await statfs(place)
  return bavail * bsize >= neededBytes ? place : undefined
}
