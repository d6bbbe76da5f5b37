import { sqltag as sql } from '@prisma/client/runtime/client'
import type { Db } from '../database/client.ts'
import type { Tx } from '../database/reader.ts'
import type { DeviceGroup as DeviceGroupRow } from '../generated/prisma/client.ts'
import type { DeviceGroup } from './request.ts'

export type { DeviceGroupRow }

/** The groups after a name, by name. */
export function findDeviceGroups(
  { prisma }: Pick<Db, 'prisma'>,
  { after, limit }: { readonly after: string | undefined; readonly limit: number },
): Promise<DeviceGroupRow[]> {
  return prisma.deviceGroup.findMany({
    ...(after !== undefined && { where: { name: { gt: after } } }),
    orderBy: { name: 'asc' },
    take: limit,
  })
}

/** The group with this name. */
export const findDeviceGroup = ({ prisma }: Pick<Db, 'prisma'>, name: string): Promise<DeviceGroupRow | null> =>
  prisma.deviceGroup.findUnique({ where: { name } })

/** The conditions of those of these groups that exist, by their names. */
export async function findGroupConditions(
  { prisma }: Pick<Db, 'prisma'>,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const groups = await prisma.deviceGroup.findMany({
    where: { name: { in: [...names] } },
    select: { name: true, queryCondition: true },
  })
  return new Map(groups.map(({ name, queryCondition }) => [name, queryCondition]))
}

/** The counter behind the etag of a group; undefined when there is no such group. */
export async function readGroupVersion(tx: Tx, name: string): Promise<number | undefined> {
  const [row] = await tx.query<{ version: number }>(
    sql`select etag_version as version from device_group where name = ${name}`,
  )
  return row?.version
}

/** The number of groups. */
export async function countDeviceGroups(tx: Tx): Promise<number> {
  const [row] = await tx.query<{ count: number }>(sql`select count(*)::integer as count from device_group`)
  return row?.count ?? 0
}

/** Creates or replaces a group. */
export async function saveGroup(
  tx: Tx,
  { name, queryCondition, description }: DeviceGroup,
  { version, now, by }: { readonly version: number; readonly now: Date; readonly by: string },
): Promise<void> {
  await tx.query(
    sql`insert into device_group (name, query_condition, description, etag_version, created_time, updated_time, updated_by)
        values (${name}, ${queryCondition}, ${description}, ${version}, ${now}, ${now}, ${by})
        on conflict (name) do update
        set query_condition = excluded.query_condition, description = excluded.description,
            etag_version = excluded.etag_version, updated_time = excluded.updated_time, updated_by = excluded.updated_by`,
  )
}

/** The ids of the first job templates whose conditions name the group. */
export async function findTemplatesWithGroup(tx: Tx, name: string): Promise<readonly string[]> {
  const rows = await tx.query<{ id: string }>(
    sql`select id from job_template where ${name} = any(groups) order by id limit 5`,
  )
  return rows.map(({ id }) => id)
}

export async function removeGroup(tx: Tx, name: string): Promise<void> {
  await tx.query(sql`delete from device_group where name = ${name}`)
}
