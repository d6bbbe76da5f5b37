import type { OtherInstance } from './database/instance-lease.ts'
import type { Deps } from './deps.ts'
import { type InstanceRole, instanceRoles, withoutRole } from './instance-roles.ts'

/** Which roles the living instances of this hub have. */
export type RoleWatch = {
  /** The other living instances, as this one has just read them. */
  seen(others: readonly OtherInstance[]): void
  /** How many other living instances have the role. */
  others(role: InstanceRole): number
  /** Which roles no living instance has, as a sentence; undefined when every role is there. */
  whyMissing(): string | undefined
}

/** Logs each change, once. An instance that cannot reach the database keeps to what it read last. */
export function watchRoles({ log, metrics }: Pick<Deps, 'log' | 'metrics'>, own: readonly InstanceRole[]): RoleWatch {
  const counts = new Map<InstanceRole, number>(own.map((role) => [role, 1]))
  const sentences = new Map<InstanceRole, string>()
  metrics?.read('twincast_instances', () => [...counts].map(([role, value]) => ({ labels: { role }, value })))
  return {
    seen(others) {
      for (const role of instanceRoles) {
        const count = [own, ...others.map(({ roles }) => roles)].filter((roles) => roles.includes(role)).length
        counts.set(role, count)
        const isKnown = sentences.has(role)
        if (count > 0 && isKnown) {
          sentences.delete(role)
          log.info({ role }, 'an instance with the missing role has started')
        } else if (count === 0 && !isKnown) {
          sentences.set(role, `No instance has the role ${role}: ${withoutRole[role]}.`)
          log.warn({ role }, `no instance has this role: ${withoutRole[role]}`)
        }
      }
    },
    others: (role) => (counts.get(role) ?? 0) - (own.includes(role) ? 1 : 0),
    whyMissing: () => (sentences.size === 0 ? undefined : [...sentences.values()].join(' ')),
  }
}
