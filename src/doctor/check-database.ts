import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import { clockDifference, clockFault, clockTolerance } from '../database/clock-difference.ts'
import { withConnection } from '../database/connection.ts'
import { type DatabaseFacts, readFacts, readLivingRoles } from '../database/inspect.ts'
import { readApplied, refuseUnknownMigrations } from '../database/migrate.ts'
import { type InstanceRole, instanceRoles, withoutRole } from '../instance-roles.ts'
import type { Limits } from '../limits/limits.ts'
import { type Finding, ok, problem, reasonOf, warning } from './finding.ts'

/** The oldest release of PostgreSQL that its makers maintain, and that the hub is used with. */
const oldestRelease = 14
/** Connections of a hub in addition to those of its pools. */
const furtherConnections = 4
/** Older databases do not know the roles of instances. */
const migrationOfRoles = '20261130143000_instance_roles'

/** Checks the database at `url`: whether it answers, what is in it, and the settings that matter. It changes nothing. */
export async function checkDatabase(
  url: string,
  { limits, hubRoles }: Pick<Config, 'limits' | 'hubRoles'>,
  { clock, signal }: { readonly clock: Pick<Clock, 'now'>; readonly signal?: AbortSignal | undefined },
): Promise<readonly Finding[]> {
  try {
    return await withConnection(url, { name: 'twincast doctor', signal }, async (client) => {
      const before = clock.now().getTime()
      const facts = await readFacts(client)
      const difference = clockDifference({ before, time: facts.time.getTime(), after: clock.now().getTime() })
      const applied = await readApplied(client)
      const living = applied.has(migrationOfRoles) ? await readLivingRoles(client) : []
      return [
        ...judgeServer(facts, limits),
        judgeClock(difference),
        await judgeMigrations(applied),
        ...judgeRoles(hubRoles, living),
      ]
    })
  } catch (error) {
    signal?.throwIfAborted()
    const advice = 'Check DATABASE_URL, and that PostgreSQL runs and accepts connections from this machine.'
    return [problem('database', `The database cannot be used: ${reasonOf(error)}`, advice)]
  }
}

function judgeServer(facts: DatabaseFacts, limits: Limits): readonly Finding[] {
  const { version, encoding, isReadOnly, isDurable, maxConnections, connections, bytes } = facts
  const wanted = limits.databaseConnections + limits.databaseReadConnections + furtherConnections
  const size = `${Math.ceil(bytes / 2 ** 20).toLocaleString('en')} MB`
  const findings = [
    Number.parseInt(version, 10) < oldestRelease
      ? problem('database', `PostgreSQL ${version} is too old.`, `Use PostgreSQL ${oldestRelease} or newer.`)
      : ok('database', `PostgreSQL ${version} answers; the database has ${size}.`),
    maxConnections < wanted
      ? problem(
          'connections',
          `The server accepts ${maxConnections} connections; a hub uses up to ${wanted}.`,
          'Raise max_connections, or lower LIMIT_DATABASE_CONNECTIONS and LIMIT_DATABASE_READ_CONNECTIONS.',
        )
      : ok('connections', `${connections} of ${maxConnections} connections are in use; a hub uses up to ${wanted}.`),
  ]
  if (encoding !== 'UTF8') {
    findings.push(
      problem('encoding', `The database has the encoding ${encoding}.`, 'Create one with the encoding UTF8.'),
    )
  }
  if (isReadOnly) {
    const advice = 'Let DATABASE_URL lead to the primary, or set default_transaction_read_only to off.'
    findings.push(problem('writes', 'The database is read-only.', advice))
  }
  if (!isDurable) {
    const advice = 'Turn fsync, full_page_writes and synchronous_commit on: otherwise a crash may repeat calls.'
    findings.push(warning('durability', 'The server acknowledges commits that are not on disk.', advice))
  }
  return findings
}

function judgeClock(difference: number): Finding {
  const ms = Math.round(Math.abs(difference))
  if (ms <= clockTolerance) return ok('clock', 'The clocks of this machine and of the database agree within a second.')
  const advice = 'Synchronise both with the same time servers (NTP).'
  return problem('clock', clockFault(difference), advice)
}

/** An instance with all roles needs no others. */
function judgeRoles(own: readonly InstanceRole[], living: readonly string[]): readonly Finding[] {
  if (own.length === instanceRoles.length) return []
  const has = `This instance has the roles ${own.join(', ')}`
  const missing = instanceRoles.filter((role) => !own.includes(role) && !living.includes(role))
  if (missing.length === 0) return [ok('hub roles', `${has}; others that run have the rest.`)]
  const consequences = missing.map((role) => `without ${role}, ${withoutRole[role]}`).join('; ')
  return [
    warning(
      'hub roles',
      `${has}, and no instance that runs has ${missing.join(', ')}: ${consequences}.`,
      `Start an instance with HUB_ROLES=${missing.join(',')}, or without HUB_ROLES.`,
    ),
  ]
}

async function judgeMigrations(applied: ReadonlyMap<string, string>): Promise<Finding> {
  if (applied.size === 0) return ok('migrations', 'The database is new: the first start creates the tables.')
  try {
    await refuseUnknownMigrations(applied)
  } catch (error) {
    return problem('migrations', reasonOf(error), 'This release will not start on it.')
  }
  return ok('migrations', `${applied.size} migrations are applied, and this release knows all of them.`)
}
