import { chown, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder } from '../../data-folder.ts'
import type { PostgresPrograms } from './binaries.ts'
import { clusterIn, type PostgresHome } from './home.ts'
import { EmbeddedDatabaseError, type PostgresUser, runAs } from './user.ts'

/** The hub's database and its role, which owns the database and is not a superuser. */
export const databaseName = 'twincast'

/**
 * Makes the cluster if there is none. If it is killed half-way, it leaves a folder of another name, which the next
 * start removes.
 */
export async function makeCluster(
  { home, user }: PostgresHome,
  programs: PostgresPrograms,
  password: string,
): Promise<void> {
  for (const name of await readdir(home)) {
    if (name.startsWith('postgres.new-')) await rm(join(home, name), { recursive: true, force: true })
  }
  if (await isThere(clusterIn(home))) return
  const unfinished = await mkdtemp(join(home, 'postgres.new-'))
  if (user !== undefined) await chown(unfinished, user.uid, user.gid)
  // Text is compared byte by byte, and upper and lower case follow Unicode, on every machine alike.
  await mustRun(user, programs.initdb, [
    ...['-D', unfinished, '--username=postgres', '--no-instructions'],
    ...['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
    // The superuser has no password, so that no client can log in as it.
    ...['--auth-local=reject', '--auth-host=scram-sha-256'],
  ])
  // A PostgreSQL without a network, while no other can run: with `-j` an empty line ends a statement.
  const statements = [
    `create role ${databaseName} login createdb password '${password.replaceAll("'", "''")}';`,
    `grant pg_monitor, pg_checkpoint, pg_signal_backend to ${databaseName};`,
    `create database ${databaseName} owner ${databaseName};`,
  ]
  const single = ['--single', '-j', '-D', unfinished, '-c', 'exit_on_error=on', '-c', 'log_min_error_statement=panic']
  await mustRun(user, programs.postgres, [...single, 'postgres'], statements.map((text) => `${text}\n\n`).join(''))
  await rename(unfinished, clusterIn(home))
  await syncFolder(home)
}

async function mustRun(user: PostgresUser, program: string, args: readonly string[], input?: string): Promise<void> {
  const { succeeded, output } = await runAs(user, program, args, input)
  if (succeeded) return
  // Containers may run as a number without a name.
  const [, nameless] = /could not look up effective user ID (\d+)/.exec(output) ?? []
  if (nameless === undefined) {
    throw new EmbeddedDatabaseError(`The embedded database could not be created:\n${output.trim()}`)
  }
  throw new EmbeddedDatabaseError(
    `The embedded database could not be created, because PostgreSQL needs a user with a name, and the user ${nameless} has ` +
      'none on this system. Start the hub as a user with a name, such as nobody, or set DATABASE_URL.',
  )
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
