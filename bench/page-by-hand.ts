// The program of a server that answers one operation, without GraphQL: what one would write for this page alone.
import { createServer } from 'node:http'
import pg from 'pg'
import { jobPage } from './job-page-rows.ts'
import { statusNames, typeNames } from './job-pages.ts'
import { portOf } from './port.ts'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 8 })

async function answer(body: string): Promise<string> {
  const { rows, hasNextPage, endCursor } = await jobPage(pool, JSON.parse(body).variables)
  const nodes = rows.map((row) => ({
    jobId: row.id,
    type: typeNames[row.type],
    status: statusNames[row.status],
    createdTime: row.created_time,
    startTime: row.start_time,
    endTime: row.end_time,
    deviceJobStatistics: {
      deviceCount: row.device_count,
      pendingCount: row.pending_count,
      runningCount: row.running_count,
      succeededCount: row.succeeded_count,
      failedCount: row.failed_count,
      cancelledCount: row.canceled_count,
    },
  }))
  return JSON.stringify({ data: { jobs: { nodes, pageInfo: { hasNextPage, endCursor } } } })
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    answer(Buffer.concat(chunks).toString()).then(
      (text) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
        response.end(text)
      },
      (error) => {
        response.writeHead(500)
        response.end(String(error))
      },
    )
  })
})
server.listen(0, '127.0.0.1', () => process.send?.(portOf(server)))
process.on('disconnect', () => process.exit(0))
