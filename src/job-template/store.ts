import { sqltag as sql } from '@prisma/client/runtime/client'
import type { Actor } from '../actor.ts'
import type { Db } from '../database/client.ts'
import type { Reader, Tx } from '../database/reader.ts'
import type { Prisma } from '../generated/prisma/client.ts'
import { checkOnOverlap } from '../job/on-overlap.ts'
import { checkTargets } from '../job/targets.ts'
import { type JobTemplate, labelsIn } from './template.ts'

const omit = { request: true } as const
type Stored = Prisma.JobTemplateGetPayload<{ omit: typeof omit }>

/** A template without its operation, which may be large. */
export type TemplateRow = Omit<Stored, 'type' | 'targets' | 'onOverlap' | 'labels'> &
  Pick<JobTemplate, 'type' | 'targets' | 'onOverlap' | 'labels'>

/** The row with the types that its checks give it. */
const rowOf = ({ type, targets, onOverlap, labels, ...row }: Stored): TemplateRow => ({
  ...row,
  type: type === 'scheduleDeviceMethod' ? type : 'scheduleUpdateTwin',
  targets: checkTargets(targets),
  onOverlap: checkOnOverlap(onOverlap, checkTargets(targets)),
  labels: labelsIn(labels),
})

/** The templates after an id, by id. */
export async function findJobTemplates(
  { prisma }: Pick<Db, 'prisma'>,
  { after, limit }: { readonly after: string | undefined; readonly limit: number },
): Promise<TemplateRow[]> {
  const rows = await prisma.jobTemplate.findMany({
    ...(after !== undefined && { where: { id: { gt: after } } }),
    orderBy: { id: 'asc' },
    take: limit,
    omit,
  })
  return rows.map(rowOf)
}

/** The template with this id. */
export async function findJobTemplate({ prisma }: Pick<Db, 'prisma'>, id: string): Promise<TemplateRow | null> {
  const row = await prisma.jobTemplate.findUnique({ where: { id }, omit })
  return row && rowOf(row)
}

/** A whole template, the counter behind its etag, and its last author. */
export type WholeTemplate = JobTemplate & {
  readonly etagVersion: number
  /** The id of the actor that changed it last; null when that was before the hub stored it. */
  readonly updatedById: string | null
}

export async function readTemplate(db: Reader, id: string): Promise<WholeTemplate | undefined> {
  const [row] = await db.query<WholeTemplate>(
    sql`select id, type, query_condition as "queryCondition", request,
               max_execution_time_seconds as "maxExecutionTimeSeconds", coalesce(targets, 'atStart') as targets, rollout, name,
               description, labels, groups, coalesce(on_overlap, 'parallel') as "onOverlap",
               skip_compliant as "skipCompliant", etag_version as "etagVersion", updated_by_id as "updatedById"
        from job_template where id = ${id}`,
    'read-job-template',
  )
  return row
}

/** The number of templates. */
export async function countJobTemplates(tx: Tx): Promise<number> {
  const [row] = await tx.query<{ count: number }>(sql`select count(*)::integer as count from job_template`)
  return row?.count ?? 0
}

const jsonOf = (value: unknown): string | null => (value === null ? null : JSON.stringify(value))

/** Creates a template, or replaces the one with this id. */
export async function saveTemplate(
  tx: Tx,
  template: JobTemplate,
  { version, now, by }: { readonly version: number; readonly now: Date; readonly by: Actor },
): Promise<void> {
  const { id, type, queryCondition, maxExecutionTimeSeconds, targets, onOverlap, name, description, groups } = template
  await tx.query(
    sql`insert into job_template (
          id, type, query_condition, request, max_execution_time_seconds, targets, rollout, name, description,
          labels, groups, skip_compliant, on_overlap,
          etag_version, created_time, updated_time, updated_by, updated_by_id
        )
        values (
          ${id}, ${type}, ${queryCondition}, ${JSON.stringify(template.request)}::json, ${maxExecutionTimeSeconds},
          ${targets === 'atStart' ? null : targets}, ${jsonOf(template.rollout)}::jsonb, ${name}, ${description},
          ${jsonOf(template.labels)}::jsonb,
          ${[...groups]}, ${template.skipCompliant}, ${onOverlap === 'parallel' ? null : onOverlap}, ${version}, ${now}, ${now}, ${by.name}, ${by.id}
        )
        on conflict (id) do update
        set type = excluded.type, query_condition = excluded.query_condition, request = excluded.request,
            max_execution_time_seconds = excluded.max_execution_time_seconds, targets = excluded.targets, rollout = excluded.rollout,
            name = excluded.name, description = excluded.description, labels = excluded.labels, groups = excluded.groups,
            skip_compliant = excluded.skip_compliant, on_overlap = excluded.on_overlap,
            etag_version = excluded.etag_version, updated_time = excluded.updated_time, updated_by = excluded.updated_by,
            updated_by_id = excluded.updated_by_id`,
  )
}

/** The ids of the first schedules of a template. Here, because `job-schedule` imports this folder. */
export async function findSchedulesOfTemplate(tx: Tx, id: string): Promise<readonly string[]> {
  const rows = await tx.query<{ id: string }>(
    sql`select id from job_schedule where template_id = ${id} order by id limit 5`,
  )
  return rows.map((row) => row.id)
}

export async function removeTemplate(tx: Tx, id: string): Promise<void> {
  await tx.query(sql`delete from job_template where id = ${id}`)
}
