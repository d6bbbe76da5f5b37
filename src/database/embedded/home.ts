import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { writeDurably } from '../../data-folder.ts'
import { canEnter, EmbeddedDatabaseError, type PostgresUser } from './user.ts'

/** Where the cluster is or will be, and the user that PostgreSQL runs as. */
export type PostgresHome = { readonly home: string; readonly user: PostgresUser }

/** `nobody` by number, which needs no entry in a list of users. */
const nobodyId = { uid: 65_534, gid: 65_534 } as const

/** Where root's clusters are when the user `nobody` cannot reach the data folder. */
const elsewhere = '/var/lib/twincast'

/** The cluster's folder in its home. */
export const clusterIn = (home: string): string => join(home, 'postgres')

/**
 * The home is the data folder. But PostgreSQL refuses to run as root: for root it runs as `nobody`, or as the user that
 * owns the cluster already. If that user cannot enter the data folder (root works below /root), the home is a folder in
 * /var/lib/twincast. The file `postgres-home` then names it. The name is random, so that a data folder that was removed
 * and made again starts with an empty database.
 */
export async function findPostgresHome(folder: string): Promise<PostgresHome> {
  const note = join(folder, 'postgres-home')
  const noted = (await readFile(note, 'utf8').catch(() => undefined))?.trim()
  const home = noted ?? folder
  const owner = await stat(clusterIn(home)).catch(() => undefined)
  const self = process.getuid?.()
  if (self !== 0) {
    if (owner === undefined || owner.uid === self) return { home, user: undefined }
    throw new EmbeddedDatabaseError(
      `The database in ${home} belongs to user ${owner.uid}. Start the hub as that user (as root if it was started as ` +
        'root before), or set DATA_DIR to another folder.',
    )
  }
  const user = owner === undefined || owner.uid === 0 ? nobodyId : { uid: owner.uid, gid: owner.gid }
  if (await canPass(folder, home, user)) return { home, user }
  if (noted !== undefined || owner !== undefined) {
    throw new EmbeddedDatabaseError(
      `The database in ${home} cannot be accessed by user ${user.uid}, which runs PostgreSQL instead of root. Move ` +
        'the folder back to a path that this user can access, or set DATA_DIR to another folder.',
    )
  }
  const made = join(elsewhere, randomBytes(8).toString('hex'))
  if (!(await makeElsewhere(made, user))) {
    throw new EmbeddedDatabaseError(
      `PostgreSQL cannot run as root, and user ${user.uid} can access neither ${folder} nor ${elsewhere}. Set DATA_DIR ` +
        'to a folder that this user can access, start the hub as an ordinary user, or set DATABASE_URL.',
    )
  }
  await writeDurably(note, `${made}\n`, 0o600)
  return { home: made, user }
}

/** The data folder is made for its owner alone. It is opened to PostgreSQL's group when that is the only obstacle. */
async function canPass(folder: string, home: string, user: NonNullable<PostgresUser>): Promise<boolean> {
  if (await canEnter(user, home)) return true
  if (home !== folder || (await stat(folder)).uid !== 0) return false
  await letThrough(folder, user)
  return canEnter(user, folder)
}

/** The group of PostgreSQL's user may pass through to the cluster, but neither list the folder nor write in it. */
async function letThrough(folder: string, { gid }: NonNullable<PostgresUser>): Promise<void> {
  await chown(folder, 0, gid)
  await chmod(folder, 0o710)
}

async function makeElsewhere(home: string, user: NonNullable<PostgresUser>): Promise<boolean> {
  try {
    await mkdir(home, { recursive: true })
    await chmod(elsewhere, 0o711)
    await letThrough(home, user)
    return await canEnter(user, home)
  } catch {
    return false // a system that cannot be written to
  }
}
