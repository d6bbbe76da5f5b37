import type { IncomingMessage, ServerResponse } from 'node:http'
import { may } from '../../access/rights.ts'
import { readInTime } from '../../database/bounded-read.ts'
import type { Deps } from '../../deps.ts'
import { InvalidInputError, NotFoundError } from '../../errors.ts'
import { deviceJobResult } from '../../job/state.ts'
import { findJob } from '../../job/store/jobs.ts'
import { findResults, type ResultRow } from '../../job/store/results.ts'
import { addressOf } from '../../limits/request-address.ts'
import { recordOf } from '../../log/request-record.ts'
import { type Authenticate, askerOf, callerOf } from '../context.ts'
import { lacksRight } from '../forbidden.ts'
import { isForwarded } from './cross-site.ts'
import { downloadTargetOf } from './download-target.ts'
import { takeExportRoom } from './export-room.ts'
import type { MayContinue } from './may-continue.ts'
import { whenGone } from './when-gone.ts'

/** Rows, and approximately bytes of payloads, that are read and sent at a time. */
const pageSize = 500
const pageBytes = 2 * 1024 * 1024

/** The path of the results of a job. */
export const resultsPath = (jobId: string): string => `/results/${encodeURIComponent(jobId)}`

/** Sends the results of a job. Rejects with what refuses the request, before anything is sent. */
export type ResultsExport = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/**
 * Makes the export of the device jobs of a job, by device id: those that the viewer may see, read page by page as the
 * client takes them, so that an export of any length needs the memory of one page. It breaks off when the viewer may no
 * longer read them.
 */
export function createResultsExport(deps: Deps, authenticate: Authenticate, mayContinue: MayContinue): ResultsExport {
  return async (request, response) => {
    const gone = whenGone(response)
    const { authorization } = request.headers
    const address = addressOf(request)
    const from = { forwarded: isForwarded(request), address, record: recordOf(request) }
    const viewer = await authenticate(authorization, from)
    if (!may(viewer, 'readJobs')) throw lacksRight(viewer, 'the results of jobs', ['readJobs'])
    deps.throttles.take('queries')
    const { pathname, parameters } = downloadTargetOf(request, ['format'])
    const format = formats[formatIn(parameters)]
    const jobId = jobIn(pathname)
    if ((await findJob(deps.db.reads, jobId)) === undefined) throw new NotFoundError('job', jobId)

    const asker = askerOf({ deps, caller: callerOf(viewer, address), signal: gone })
    const writePage = await takeExportRoom(deps, response, asker)
    const readAfter = (after: string): Promise<ResultRow[]> =>
      readInTime(deps, asker, (db) =>
        findResults(db, viewer.scope, jobId, { after, limit: pageSize, maxBytes: pageBytes }),
      )
    let rows = await readAfter('')
    response.writeHead(200, { 'content-type': format.type, 'cache-control': 'no-store' })
    response.write(format.head)
    for (let last = rows.at(-1); last !== undefined && !gone.aborted; last = rows.at(-1)) {
      await writePage(rows.map(format.lineOf).join(''))
      if (gone.aborted) return
      rows = await readAfter(last.deviceId)
      if (rows.length > 0 && !mayContinue(viewer, 'readJobs')) {
        response.destroy()
        return
      }
    }
    response.end()
  }
}

/** The columns of a row but its payload. */
const fieldsOf = (row: ResultRow) => ({
  deviceId: row.deviceId,
  result: deviceJobResult(row.status, row.responseStatus).toUpperCase(),
  status: row.status === 'canceled' ? 'CANCELLED' : row.status.toUpperCase(),
  skipped: row.skipped,
  startTime: row.dispatchedTime?.toISOString() ?? null,
  endTime: row.endedTime?.toISOString() ?? null,
  responseStatus: row.responseStatus,
  errorCode: row.errorCode,
  errorDescription: row.errorDescription,
})

const columns = [
  'deviceId',
  'result',
  'status',
  'skipped',
  'startTime',
  'endTime',
  'responseStatus',
  'errorCode',
  'errorDescription',
  'payload',
]

const formats = {
  csv: {
    type: 'text/csv; charset=utf-8; header=present',
    head: `${columns.join(',')}\r\n`,
    lineOf: (row: ResultRow) => `${[...Object.values(fieldsOf(row)), row.payload].map(csvValue).join(',')}\r\n`,
  },
  jsonl: {
    type: 'application/x-ndjson',
    head: '',
    // The payload stays as the device wrote it. Its line breaks are only between tokens.
    lineOf: (row: ResultRow) =>
      `${JSON.stringify(fieldsOf(row)).slice(0, -1)},"payload":${row.payload?.replaceAll(/[\r\n]/g, ' ') ?? 'null'}}\n`,
  },
} as const

/** A value in a record of RFC 4180. */
function csvValue(value: string | number | boolean | null): string {
  if (typeof value !== 'string') return value === null ? '' : String(value)
  // Spreadsheets run a text that begins with one of these as a formula. The apostrophe makes it a text.
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

function formatIn(query: URLSearchParams): keyof typeof formats {
  const format = query.get('format') ?? 'jsonl'
  if (format === 'csv' || format === 'jsonl') return format
  throw new InvalidInputError(['format'], 'format must be csv or jsonl.')
}

function jobIn(pathname: string): string {
  const text = pathname.slice(resultsPath('').length)
  try {
    return decodeURIComponent(text)
  } catch {
    throw new NotFoundError('job', text)
  }
}
