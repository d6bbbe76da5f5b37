import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** The user that PostgreSQL runs as; undefined means the user of this process. */
export type PostgresUser = { readonly uid: number; readonly gid: number } | undefined

/** A failure of the embedded database. The message is a sentence that says what to do. */
export class EmbeddedDatabaseError extends Error {
  override readonly name = 'EmbeddedDatabaseError'
}

/** PostgreSQL's programs inherit nothing from our environment: PGDATA, LD_PRELOAD or a locale would change them. */
export const postgresEnv = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' } as const

/** The output of a program, both streams together, and whether it exited with 0. */
export type Outcome = { readonly succeeded: boolean; readonly output: string }

/** Runs a program to its end as that user. Never rejects: a program that cannot be started has not succeeded. */
export async function runAs(
  user: PostgresUser,
  program: string,
  args: readonly string[],
  input = '',
): Promise<Outcome> {
  const child = spawn(program, args, { ...user, cwd: '/', env: postgresEnv, stdio: 'pipe' })
  let output = ''
  const collect = (chunk: Buffer): void => {
    output += chunk.toString()
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  child.stdin.on('error', () => {}) // it ended before it had read everything: its code and output show it
  child.stdin.end(input)
  try {
    const [code] = await once(child, 'close')
    return { succeeded: code === 0, output }
  } catch (error) {
    return { succeeded: false, output: String(error) }
  }
}

/** Whether the user can enter the folder. The kernel decides, which knows modes, access lists and mounts alike. */
export const canEnter = async (user: PostgresUser, folder: string): Promise<boolean> =>
  (await runAs(user, '/bin/sh', ['-c', 'cd "$1"', 'sh', folder])).succeeded
