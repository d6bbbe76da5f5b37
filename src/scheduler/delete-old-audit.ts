import { deleteAuditBefore } from '../audit/store.ts'
import type { Deps } from '../deps.ts'
import type { Step } from './loop.ts'

const day = 24 * 60 * 60 * 1000
const batch = 5_000

/** Entries of the audit that are older than `auditDays` → deleted. */
export function deleteOldAudit(deps: Pick<Deps, 'db' | 'log'>, { auditDays }: { readonly auditDays: number }): Step {
  return {
    name: 'delete-old-audit',
    every: 60 * 60 * 1000,
    wokenBy: [],
    async run(now) {
      const deleted = await deleteAuditBefore(deps.db, new Date(now.getTime() - auditDays * day), batch)
      if (deleted > 0) deps.log.info({ entries: deleted }, 'old audit entries deleted')
      return { done: deleted, full: deleted === batch }
    },
  }
}
