import type { Pool } from 'pg'
import { type JobPageVariables, statusNames, typeNames } from './job-pages.ts'

/** A row of a page, as pg reads it. */
export type JobRow = {
  readonly id: string
  readonly type: keyof typeof typeNames
  readonly status: keyof typeof statusNames
  readonly created_time: Date
  readonly start_time: Date
  readonly end_time: Date | null
  readonly device_count: number
  readonly pending_count: number
  readonly running_count: number
  readonly succeeded_count: number
  readonly failed_count: number
  readonly canceled_count: number
}

export type JobPage = {
  readonly rows: readonly JobRow[]
  readonly hasNextPage: boolean
  readonly endCursor: string | null
}

const columns =
  'id, type, status, created_time, start_time, end_time, device_count, pending_count, running_count, succeeded_count, failed_count, canceled_count'
const cursorOf = ({ created_time, id }: JobRow): string =>
  Buffer.from(JSON.stringify(['jobs:createdTime:desc', created_time, id])).toString('base64url')

/** Columns by what GraphQL names their values. */
const typesByName = new Map(Object.entries(typeNames).map(([type, name]) => [name, type]))
const statusesByName = new Map(Object.entries(statusNames).map(([status, name]) => [name, status]))

const names = new Map<string, string>()
/** A name for a statement that is prepared once on each connection. */
function nameOf(text: string): string {
  const name = names.get(text) ?? `page ${names.size}`
  names.set(text, name)
  return name
}

/** A page of jobs, the newest first, by one prepared statement: as one writes it with pg. */
export async function jobPage(pool: Pool, { first, after, filter }: JobPageVariables): Promise<JobPage> {
  const values: unknown[] = [first + 1]
  let condition = 'true'
  if (after) {
    const [, time, id] = JSON.parse(Buffer.from(after, 'base64url').toString())
    condition += ` and (created_time, id) < ($${values.push(time)}, $${values.push(id)})`
  }
  if (filter?.type) {
    condition += ` and type in (${filter.type.map((name) => `$${values.push(typesByName.get(name))}`).join(', ')})`
  }
  if (filter?.status) {
    condition += ` and status in (${filter.status.map((name) => `$${values.push(statusesByName.get(name))}`).join(', ')})`
  }
  if (filter?.createdTime?.from) condition += ` and created_time >= $${values.push(filter.createdTime.from)}`
  if (filter?.createdTime?.to) condition += ` and created_time < $${values.push(filter.createdTime.to)}`
  const text = `select ${columns} from job where ${condition} order by created_time desc, id desc limit $1`
  const { rows } = await pool.query<JobRow>({ text, values, name: nameOf(text) })
  const page = rows.slice(0, first)
  const last = page.at(-1)
  return { rows: page, hasNextPage: rows.length > first, endCursor: last === undefined ? null : cursorOf(last) }
}
