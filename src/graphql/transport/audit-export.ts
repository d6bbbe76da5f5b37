import type { IncomingMessage, ServerResponse } from 'node:http'
import { may } from '../../access/rights.ts'
import { type AuditOutcome, auditOutcomes } from '../../audit/entry.ts'
import { type AuditPlace, type AuditRow, type AuditSelection, findAuditEntries } from '../../audit/store.ts'
import { dateTimeExample, parseDateTime } from '../../date-time.ts'
import type { Deps } from '../../deps.ts'
import { InvalidInputError } from '../../errors.ts'
import { addressOf } from '../../limits/request-address.ts'
import { recordOf } from '../../log/request-record.ts'
import { type Authenticate, callerOf } from '../context.ts'
import { lacksRight, requireWholeAudit } from '../forbidden.ts'
import { isForwarded } from './cross-site.ts'
import { downloadTargetOf } from './download-target.ts'
import { takeExportRoom } from './export-room.ts'
import type { MayContinue } from './may-continue.ts'
import { whenGone } from './when-gone.ts'

/** Entries that are read and sent at a time. */
const pageSize = 1_000

const allowed = ['from', 'to', 'actor', 'operation', 'target', 'outcome']

/** Sends the entries of the audit as lines of JSON. Rejects with what refuses the request, before anything is sent. */
export type AuditExport = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/**
 * Makes the export of the audit: the newest entries first, read page by page as the client takes them, so that an
 * export of any length needs the memory of one page. It breaks off when the viewer may no longer read it.
 */
export function createAuditExport(deps: Deps, authenticate: Authenticate, mayContinue: MayContinue): AuditExport {
  return async (request, response) => {
    const gone = whenGone(response)
    const { authorization } = request.headers
    const address = addressOf(request)
    const from = { forwarded: isForwarded(request), address, record: recordOf(request) }
    const viewer = await authenticate(authorization, from)
    if (!may(viewer, 'auditRead')) throw lacksRight(viewer, 'the audit', ['auditRead'])
    requireWholeAudit(viewer)
    deps.throttles.take('queries')
    const selection = selectionIn(downloadTargetOf(request, allowed).parameters)
    const writePage = await takeExportRoom(deps, response, { caller: callerOf(viewer, address), signal: gone })
    let after: AuditPlace | undefined
    do {
      if (response.headersSent && !mayContinue(viewer, 'auditRead')) {
        response.destroy()
        return
      }
      const entries = await findAuditEntries(deps.db, selection, { after, limit: pageSize })
      if (gone.aborted) return
      if (!response.headersSent) {
        response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
      }
      await writePage(entries.map(lineOf).join(''))
      after = entries.length < pageSize ? undefined : entries.at(-1)
    } while (after !== undefined && !gone.aborted)
    response.end()
  }
}

function lineOf({
  key,
  time,
  actor,
  actorKind,
  outcome,
  actorId: _id,
  attempt: _attempt,
  ...others
}: AuditRow): string {
  const entry = { time, actor, kind: actorKind.toUpperCase(), outcome: outcome.toUpperCase(), ...others }
  return `${JSON.stringify({ id: String(key), ...entry })}\n`
}

/** The entries that a query string selects. InvalidInputError. */
function selectionIn(query: URLSearchParams): AuditSelection {
  const from = timeIn(query, 'from')
  const to = timeIn(query, 'to')
  if (from !== undefined && to !== undefined && from > to) {
    throw new InvalidInputError(['from'], 'from must not be later than to.')
  }
  return {
    from,
    to,
    actor: query.get('actor') ?? undefined,
    operations: listIn(query, 'operation'),
    target: query.get('target') ?? undefined,
    outcomes: listIn(query, 'outcome')?.map(outcomeOf),
  }
}

const listIn = (query: URLSearchParams, name: 'operation' | 'outcome'): string[] | undefined =>
  query.has(name) ? query.getAll(name) : undefined

function outcomeOf(text: string): AuditOutcome {
  const outcome = auditOutcomes.find((each) => each.toUpperCase() === text)
  if (outcome !== undefined) return outcome
  const allowed = auditOutcomes.map((each) => each.toUpperCase()).join(', ')
  throw new InvalidInputError(['outcome'], `outcome must be one of ${allowed}.`)
}

function timeIn(query: URLSearchParams, name: 'from' | 'to'): Date | undefined {
  const text = query.get(name)
  if (text === null) return undefined
  const time = parseDateTime(text)
  if (time !== undefined) return time
  throw new InvalidInputError([name], `${name} must be a valid time such as ${dateTimeExample}.`)
}
